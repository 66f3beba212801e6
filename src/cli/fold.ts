import { stripVTControlCharacters } from 'node:util';

const INDENT = 4;

/**
 * Breaks lines between words, as a terminal of `width` characters would have to, but more readably: what is broken goes
 * on below the last column of the line. Colours do not count, and no word is broken: a path is copied as one.
 */
export function folded(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((line) => (widthOf(line) <= width ? [line] : foldedLine(line, width)));
}

function foldedLine(line: string, width: number): readonly string[] {
  const indent = ' '.repeat(hangingIndent(line, width));
  const lines: string[] = [];
  let current = '';
  for (const [index, word] of line.split(' ').entries()) {
    const longer = index === 0 ? word : `${current} ${word}`;
    const isTooLong = indent.length + widthOf(word) > width;
    if (widthOf(longer) <= width || current.trim() === '' || isTooLong) {
      current = longer;
    } else {
      lines.push(current.trimEnd());
      current = word === '' ? '' : `${indent}${word}`;
    }
  }
  return [...lines, current];
}

/** Where the last column begins, unless too little room would be left there. */
function hangingIndent(line: string, width: number): number {
  const plain = stripVTControlCharacters(line);
  const column = [...plain.matchAll(/\S {2,}(?=\S)/g)].findLast(({ index }) => index < width);
  const begins = column === undefined ? 0 : column.index + column[0].length;
  return begins > 0 && begins <= width / 2 ? begins : (/^ */.exec(plain)?.[0].length ?? 0) + INDENT;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
