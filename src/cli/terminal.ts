import { styleText } from 'node:util';
import { printableText } from '../platform/text.ts';
import type { Color } from './command-line.ts';

type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** Writes answers. Text from outside cannot steer the terminal; colour never carries meaning alone. */
export interface Terminal {
  readonly interactive: boolean;
  line(text: string): void;
  paint(style: Style, text: string): string;
}

export function terminal(stream: NodeJS.WriteStream, color: Color): Terminal {
  const painted = (style: Style, text: string) => {
    switch (color) {
      case 'never':
        return text;
      case 'always':
        return styleText(style, text, { validateStream: false });
      case 'auto':
        return styleText(style, text, { stream });
    }
  };
  return {
    interactive: stream.isTTY === true,
    line: (text) => void stream.write(`${text}\n`),
    paint: (style, text) => painted(style, printableText(text)),
  };
}
