import { digestFromText, shortDigest } from '../domain/digest.ts';
import type { HeldReason, Outcome, OutcomeKind } from '../domain/outcome.ts';
import { minute } from '../planning/minute.ts';
import { columns } from '../platform/text.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** The document of `bin-proxy run --json`. */
export interface RunDocument {
  readonly schema: 'bin-proxy/run/1';
  readonly run: string;
  readonly host: string;
  readonly at: string;
  readonly source: string;
  readonly exitCode: ExitCode;
  readonly binaries: readonly Outcome[];
}

const WORDS: Readonly<Record<OutcomeKind, string>> = {
  'up-to-date': 'up to date',
  held: 'held',
  updated: 'updated',
  failed: 'FAILED',
  'rolled-back': 'ROLLED BACK',
  'rollback-failed': 'ROLLBACK FAILED',
};
const STYLES = {
  'up-to-date': 'dim',
  held: 'yellow',
  updated: 'green',
  failed: 'red',
  'rolled-back': 'red',
  'rollback-failed': 'red',
} as const;

/** What a run says on stdout: one line a binary. An idle tick says nothing unless somebody watches. */
export function reportRun(
  outcomes: readonly Outcome[],
  shown: 'everything' | 'changes' | 'acted',
  out: Terminal,
): void {
  const told = outcomes.filter((one) => isShown(one, shown));
  const rows = columns(told.map((one) => [one.name, wordFor(one), digests(one), sentence(one)]));
  for (const [index, [name = '', word = '', change = '', text = '']] of rows.entries()) {
    const one = told[index];
    if (one === undefined) continue;
    const painted = (cell: string) => (cell === '' ? '' : out.paint(STYLES[one.outcome], cell));
    out.line(`${name}  ${painted(word)}  ${change}  ${painted(text)}`.trimEnd());
    if (one.hint !== undefined && shown !== 'acted') out.line(`    ${one.hint}`);
    if (one.lastWords !== undefined) out.line(`    ${one.lastWords}`);
    if (one.evidence !== undefined) out.line(`    evidence: ${one.evidence}`);
  }
  if (shown === 'everything') out.line(summary(outcomes));
}

/** What an operator asked for is an update like any other, but nobody would call it so; and what waits nobody holds. */
function wordFor({ outcome, reason }: { readonly outcome: OutcomeKind; readonly reason: string }): string {
  if (outcome === 'held') return LEFT[reason] ?? WORDS.held;
  return outcome === 'updated' && reason === 'operator-rollback' ? 'went back' : WORDS[outcome];
}

const LEFT: Readonly<Record<string, string>> = {
  'waiting-for-window': 'waiting',
  'waiting-for-dependency': 'waiting',
  'put-off': 'put off',
  quarantined: 'quarantined',
  'backing-off': 'backing off',
} satisfies Partial<Record<HeldReason, string>>;

function isShown({ outcome, reason }: Outcome, shown: 'everything' | 'changes' | 'acted'): boolean {
  if (shown === 'everything') return true;
  if (outcome === 'up-to-date' || outcome === 'held') return reason === 'put-off';
  // What only the network decides is in the log; cron would mail it every minute.
  return shown === 'changes' || !['source-unreachable', 'download-failed'].includes(reason);
}

function summary(outcomes: readonly Outcome[]): string {
  const kinds = Object.keys(WORDS) as OutcomeKind[];
  const words = kinds.flatMap((kind) => outcomes.filter(({ outcome }) => outcome === kind).map(wordFor));
  const counts = [...new Set(words)].map((word) => {
    return `${words.filter((one) => one === word).length} ${word.toLowerCase()}`;
  });
  return counts.length === 0 ? 'The manifest names no binaries.' : `${counts.join(', ')}.`;
}

/** Reasons whose sentence holds everything: the word for it, and until when. */
export const SELF_TOLD: ReadonlySet<string> = new Set<HeldReason>([
  'held',
  'waiting-for-window',
  'waiting-for-dependency',
  'put-off',
]);

/** One line for the log and the history of what became of a binary. */
export function sentence(one: Outcome): string {
  const next = one.nextAttempt === undefined ? '' : `; next attempt ${minute(one.nextAttempt)}`;
  switch (one.outcome) {
    case 'up-to-date':
      return '';
    case 'held':
      if (SELF_TOLD.has(one.reason)) return one.detail;
      return `${one.detail}${next}`;
    case 'updated':
      return `${REASONS[one.reason]}; ${one.detail} (${one.seconds.toFixed(1)} s)`;
    case 'failed':
      return `${one.detail}; ${one.left === undefined ? 'nothing was changed' : 'the update of an earlier run waits for that'}${next}`;
    case 'rolled-back':
      return `${one.detail}; the former version is back${next}`;
    case 'rollback-failed':
      return `${one.detail}; and the rollback failed: ${one.rollbackDetail}${next}`;
  }
}

const REASONS = {
  'not-installed': 'was not installed',
  'new-release': 'new release',
  drifted: 'file was changed on this host',
  'operator-rollback': 'asked for by an operator',
  recovered: 'finished what an earlier run began',
} as const;

function digests({ from, to }: Outcome): string {
  if (to === undefined || from === to) return brief(from ?? to);
  return `${brief(from)} -> ${brief(to)}`;
}

/** `md5:9e107d9d…` as eight digits; several files as several. */
export function brief(digests: string | undefined): string {
  if (digests === undefined) return '-';
  return digests
    .split('+')
    .map((text) => {
      const digest = digestFromText(text);
      return digest === undefined ? text : shortDigest(digest);
    })
    .join('+');
}
