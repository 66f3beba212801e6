import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** One line of the table: a ratio, and what it is to be at most. */
export interface Row {
  readonly what: string;
  readonly found: number;
  readonly reach: number;
  /** The figures that it was made of. */
  readonly from: string;
}

/** Prints the table, with all that a figure means nothing without. */
export function printTable(title: string, rounds: number, rows: readonly Row[]): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, node ${process.versions.node}`;
  const widest = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, found, reach, from }) =>
    [what.padEnd(widest), found.toFixed(found < 0.1 ? 4 : 2).padStart(7), `≤ ${reach}`.padEnd(7), from].join('  '),
  );
  const head = `${title}: medians of ${rounds} interleaved rounds; ${machine}, ${firstLine('bash')}, ${firstLine('curl')}`;
  process.stdout.write(`\n${[head, ...lines].join('\n')}\n\n`);
}

function firstLine(program: string): string {
  const line = execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n', 1)[0] ?? '';
  return line.split(/[ ,](?:version|\()/)[0] === program ? line : line.slice(0, 40);
}
