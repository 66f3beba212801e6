import { stripVTControlCharacters } from 'node:util';

const WIDTH = 96;
const INDENT = '      ';

/** Breaks a line between words, as a terminal of a usual width would have to, but more readably. Colours do not count. */
export function folded(line: string): readonly string[] {
  if (widthOf(line) <= WIDTH) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (widthOf(longer) <= WIDTH || current.trim() === '') {
      current = longer;
    } else {
      lines.push(current.trimEnd());
      current = `${INDENT}${word}`;
    }
  }
  return [...lines, current];
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
