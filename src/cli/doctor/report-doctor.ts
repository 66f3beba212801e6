import { columns, printableText } from '../../platform/text.ts';
import type { Volume } from '../command-line.ts';
import type { Terminal } from '../terminal.ts';
import { countsOf, type Finding, type Verdict } from './finding.ts';

const SIGNS: Readonly<Record<Verdict, string>> = { ok: '[ok]', warn: '[warn]', fail: '[fail]', skip: '[skip]' };
const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const;

/** A line for each finding, and below what is not well a line that says what to do. `--quiet`: only those. */
export function reportFindings(findings: readonly Finding[], volume: Volume, out: Terminal): void {
  const told = findings.filter(({ verdict }) => volume !== 'quiet' || verdict === 'warn' || verdict === 'fail');
  const rows = columns(told.map(({ verdict, check, text }) => [SIGNS[verdict], check, text]));
  for (const [index, [sign = '', ...cells]] of rows.entries()) {
    const { verdict = 'ok', advice } = told[index] ?? {};
    const [first = '', ...more] = cells.join('  ').split('\n');
    out.line(`${out.paint(STYLES[verdict], sign)}  ${printableText(first)}`);
    for (const line of [...more, ...(advice ?? '').split('\n')]) {
      if (line !== '') out.line(`          ${printableText(line.trim())}`);
    }
  }
  if (volume !== 'quiet') out.line(`\n${totals(findings)}`);
}

function totals(findings: readonly Finding[]): string {
  const { ok, warn, fail, skip } = countsOf(findings);
  const parts = [
    ...(fail > 0 ? [`${fail} failed`] : []),
    ...(warn > 0 ? [warn === 1 ? '1 warning' : `${warn} warnings`] : []),
    `${ok} well`,
    ...(skip > 0 ? [`${skip} not looked at`] : []),
  ];
  return `${parts.join(', ')}.`;
}
