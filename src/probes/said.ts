import { printableText } from '../platform/text.ts';

const LINES = 20;
const LINE_CHARACTERS = 400;

/** The end of what a program said, in lines that are fit for a terminal. */
export function saidLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const said = lines.filter((line) => line !== '').slice(-LINES);
  return said.map((line) => printableText(line.slice(0, LINE_CHARACTERS)));
}
