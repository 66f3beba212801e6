import { hostname } from 'node:os';
import { RunError } from '../domain/errors.ts';
import { minute } from '../planning/minute.ts';
import { bothCauses } from '../planning/standing.ts';
import { timeFrom } from '../planning/time-text.ts';
import { columns, printableText } from '../platform/text.ts';
import { History, type HistoryLine } from '../store/history.ts';
import type { Invocation } from './command-line.ts';
import { changeWord } from './desk-words.ts';
import type { ExitCode } from './exit-codes.ts';
import { fitted } from './fitted.ts';
import { brief } from './report-run.ts';
import { loadSettings } from './settings.ts';
import { type Terminal, terminal } from './terminal.ts';

const DEFAULT_LIMIT = 50;

interface Shown {
  readonly lines: readonly HistoryLine[];
  /** Older ones, beyond the limit. */
  readonly left: number;
  readonly damaged: number;
}

/** `bin-proxy history`: what changed on this host, oldest first, also of binaries the manifest no longer names. */
export async function historyCommand(invocation: Invocation): Promise<ExitCode> {
  const { settings } = await loadSettings({ flags: invocation.settings, environment: process.env });
  const out = terminal(invocation.color);
  const since =
    invocation.wishes['since'] === undefined ? undefined : readSince(invocation.wishes['since'], new Date());
  const limit = readLimit(invocation.wishes['limit']);
  const { lines, damaged } = await new History(settings.stateDir).read();
  const wanted = lines.filter(
    ({ name, at }) =>
      (invocation.names.length === 0 || invocation.names.includes(name)) &&
      (since === undefined || Date.parse(at) >= since.getTime()),
  );
  const shown = limit === 0 ? wanted : wanted.slice(-limit);
  const answer = { lines: shown, left: wanted.length - shown.length, damaged };
  if (invocation.output === 'json') out.data(JSON.stringify(historyDocument(answer)));
  else reportHistory(answer, out);
  return 0;
}

/** Throws {@link RunError} `usage`. */
export function readSince(text: string, now: Date): Date {
  const time = timeFrom(text, now, 'ago');
  if (time !== undefined) return time;
  throw new RunError('usage', `--since: expected a time or an age, found ${JSON.stringify(text)}`, {
    hint: 'Such as 2026-11-21, 2026-11-21T08:15Z, 90m, 12h, 7d or 2w.',
  });
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RunError('usage', `--limit: expected a number, found ${JSON.stringify(text)}`, { hint: '0 means all.' });
}

function reportHistory({ lines, left, damaged }: Shown, out: Terminal): void {
  if (left > 0) out.line(out.paint('dim', `${left} older not shown; --limit 0 shows all`));
  if (lines.length === 0) out.line('No change is recorded.');
  const cells = lines.map((one) => [
    minute(one.at),
    one.name,
    changeWord(one),
    one.from === one.to ? brief(one.to) : `${brief(one.from)} -> ${brief(one.to)}`,
    one.version,
    `${one.seconds.toFixed(1)} s`,
    one.by?.replace(/^user /, '') ?? '-',
  ]);
  const head = ['WHEN', 'NAME', 'OUTCOME', 'CHANGE', 'VERSION', 'TOOK', 'BY'];
  const table = fitted([head, ...cells], ['TOOK', 'VERSION'], out.width);
  for (const [index, row] of columns(lines.length === 0 ? [] : table).entries()) {
    const line = lines[index - 1];
    out.line(index === 0 ? out.paint('bold', row.join('  ')) : printableText(row.join('  ')));
    if (line === undefined || line.outcome === 'updated') continue;
    out.line(`  ${printableText(line.outcome === 'rollback-failed' ? bothCauses(line) : line.detail)}`);
  }
  if (damaged > 0) out.line(out.paint('yellow', `${damagedLines(damaged)} of the history cannot be read`));
}

function damagedLines(count: number): string {
  return count === 1 ? '1 line' : `${count} lines`;
}

/** The document of `bin-proxy history --json`. */
function historyDocument({ lines, left, damaged }: Shown) {
  return {
    schema: 'bin-proxy/history/1',
    host: hostname(),
    at: new Date().toISOString(),
    changes: lines,
    notShown: left,
    damagedLines: damaged,
  };
}
