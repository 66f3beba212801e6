import { styleText } from 'node:util';
import { printableText } from '../platform/text.ts';
import type { Color } from './command-line.ts';
import { folded } from './fold.ts';
import { mayBeWatched } from './standard-streams.ts';

type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** A narrower one is not worth the trouble: some report no width, or none that can be. */
const LEAST_WIDTH = 40;

/** Writes answers. Text from outside cannot steer the terminal; colour never carries meaning alone. */
export interface Terminal {
  readonly interactive: boolean;
  /** In characters. Absent: nobody watches, and a line is as long as it is. */
  readonly width?: number;
  /** Of text: a terminal that is too narrow for it has it broken between words. */
  line(text: string): void;
  /** For another program: as it is. */
  data(text: string): void;
  paint(style: Style, text: string): string;
}

/** Of a terminal, in characters; undefined where it is none. */
export function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY && stream.columns >= LEAST_WIDTH ? stream.columns : undefined;
}

/** stdout. It is made when it is first written to, or may be a terminal. */
export function terminal(color: Color): Terminal {
  const painted = (style: Style, text: string) => {
    switch (color) {
      case 'never':
        return text;
      case 'always':
        return styleText(style, text, { validateStream: false });
      case 'auto':
        return styleText(style, text, { stream: process.stdout });
    }
  };
  const interactive = mayBeWatched() && process.stdout.isTTY === true;
  const width = interactive ? widthOf(process.stdout) : undefined;
  return {
    interactive,
    ...(width !== undefined && { width }),
    line: (text) => void process.stdout.write(`${width === undefined ? text : folded(text, width).join('\n')}\n`),
    data: (text) => void process.stdout.write(`${text}\n`),
    paint: (style, text) => painted(style, printableText(text)),
  };
}
