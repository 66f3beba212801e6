import { columns, printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import type { Conditions } from './session.ts';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `8.1 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power - 1]}`;
}

/** The answer of a command: text for a person, or one JSON document. */
export function answer(invocation: Invocation, lines: readonly string[], document: Record<string, unknown>): void {
  const schema = `bin-manager/${invocation.command}/1`;
  const text =
    invocation.output === 'json' ? JSON.stringify({ schema, ...document }) : lines.map(printableText).join('\n');
  if (text !== '') process.stdout.write(`${text}\n`);
}

/** Aligned columns, each line with a margin. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  return columns(rows).map((cells) => `  ${cells.join('  ')}`.trimEnd());
}

/** What is not the answer: on stderr. */
export function note(text: string): void {
  process.stderr.write(`bin-manager: ${printableText(text)}\n`);
}

export function conditionsOf({ waitSeconds }: Invocation, signal: AbortSignal): Conditions {
  return {
    now: () => new Date(),
    waitMs: waitSeconds * 1000,
    onWait: ({ pid, command }) => note(`waiting for pid ${pid} (${command}), which writes to the store`),
    signal,
  };
}
