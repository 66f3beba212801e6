import { hostname } from 'node:os';
import { digestText, shortDigest } from '../domain/digest.ts';
import type { Evidence } from '../domain/evidence.ts';
import type { MaintenanceWindow } from '../domain/manifest.ts';
import type { PlannedBinary } from '../domain/plan.ts';
import { minute } from '../planning/minute.ts';
import { clockText, isOpen, nextOpening } from '../planning/window.ts';
import { columns, printableText } from '../platform/text.ts';
import { bytes, span } from './desk-words.ts';
import { type Explanation, explanationOf } from './explain-words.ts';
import type { SeenBinary } from './host-view.ts';
import { brief } from './report-run.ts';
import { STANDING_WORDS } from './report-status.ts';
import type { Terminal } from './terminal.ts';

/** Everything there is to say about one binary. */
export interface Explained {
  readonly seen: SeenBinary;
  /** Absent: the server was not asked. */
  readonly plan?: PlannedBinary;
  /** Of its last rollback. */
  readonly last?: { readonly path: string; readonly evidence: Evidence };
}

export interface ExplainContext {
  readonly now: Date;
  readonly manifest: string;
  readonly warnings: readonly string[];
}

const DECISIONS: Readonly<Record<Explanation['decision'], string>> = {
  update: 'the next run updates it',
  leave: 'left alone',
  nothing: 'nothing to do',
  fail: 'cannot be updated',
  recover: 'the next run ends what an earlier one began',
  'not-asked': 'not known: the server was not asked',
};

export function reportExplained(all: readonly Explained[], context: ExplainContext, out: Terminal): void {
  for (const warning of context.warnings) out.line(out.paint('yellow', `warning: ${warning}`));
  for (const [index, one] of all.entries()) {
    if (index > 0) out.line('');
    out.line(out.paint('bold', one.seen.entry.name));
    for (const cells of columns(facts(one, context))) out.line(`  ${printableText(cells.join('  '))}`);
    if (one.last !== undefined)
      for (const line of rollback(one.last)) out.line(line === '' ? '' : `  ${printableText(line)}`);
  }
}

function windowText(window: MaintenanceWindow, now: Date): string {
  if (isOpen(window, now)) return `${window.text}, open now`;
  const opens = nextOpening(window, now);
  return `${window.text}, opens ${opens === undefined ? 'never' : clockText(opens)}`;
}

function facts({ seen, plan }: Explained, { now, manifest }: ExplainContext): readonly (readonly string[])[] {
  const { entry, installed, standing, record } = seen;
  const why = explanationOf(standing, plan, { name: entry.name, manifest });
  // What it was compared with is told in one algorithm throughout.
  const found = plan?.installed[0] ?? installed;
  const there = found.kind === 'present' ? `${shortDigest(found.digest)}  ${entry.path}` : `-  ${entry.path}`;
  const proven = record?.active;
  const until = standing.until === undefined ? '' : ` until ${minute(standing.until)}`;
  return [
    ['state', `${STANDING_WORDS[standing.state]}${until}`],
    ['installed', there],
    ...(proven === undefined
      ? []
      : [['proven', `${brief(proven.release.split(' ')[0])}  ${proven.version}, since ${minute(proven.since)}`]]),
    ...(why.offered === undefined ? [] : [['offered', `${brief(why.offered.release)}  ${why.offered.version}`]]),
    ...(entry.window === undefined ? [] : [['window', windowText(entry.window, now)]]),
    ['decision', `${DECISIONS[why.decision]} (${why.reason})`],
    ['why', why.why],
    ...(why.nextAttempt === undefined ? [] : [['next try', `the first run after ${minute(why.nextAttempt)}`]]),
    ['what to do', why.advice],
  ];
}

/** The evidence as a person reads it: first why, then what was seen, what was said, and how the host was. */
function rollback({ path, evidence }: NonNullable<Explained['last']>): readonly string[] {
  const { at, run, version, release, from, detail, reason, timings, states, host, rejected, fault } = evidence;
  const { processes, health = [] } = evidence;
  const tail = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`  ${title}:`, ...lines.map((line) => `    ${line}`)];
  return [
    '',
    `Last rollback: ${minute(at)}, run ${run}, ${brief(from)} -> ${brief(release)} (${version})`,
    ...columns([
      ['  why', `${detail} (${reason}; blamed: ${fault})`],
      ['  going back', `${timings.rollbackSeconds.toFixed(1)} s`],
      ['  host', `up ${span(host.uptimeSeconds)}, load ${host.load.toFixed(2)} on ${host.processors} processors,`],
      ['', `${bytes(host.memoryAvailableBytes)} of ${bytes(host.memoryBytes)} memory available`],
      ...roomOf(host.disks).map((room, index) => [index === 0 ? '  room' : '', room]),
      ...rejected.map((file) => ['  rejected file', file]),
      ['  evidence', path],
    ]).map((cells) => cells.join('  ')),
    ...tail(
      'seen',
      columns(
        states.map((one) => [`${one.seconds.toFixed(1)} s`, one.process, one.state.toUpperCase(), one.detail]),
      ).map((cells) => cells.join('  ').trimEnd()),
    ),
    ...tail(
      'health',
      health.map(({ name, seconds, detail: word }) => `${seconds.toFixed(1)} s  ${name}: ${word}`),
    ),
    ...health.flatMap(({ name, said }) => tail(`answer of ${name}`, said)),
    ...processes.flatMap(({ process, events, stderr, stdout }) => [
      ...tail(`supervisor of ${process}`, events),
      ...tail(`stderr of ${process}`, stderr),
      ...tail(`stdout of ${process}`, stdout),
    ]),
  ];
}

/** Folders of one file system, which have the same room, by the first of them. */
function roomOf(disks: Evidence['host']['disks']): readonly string[] {
  const one = (disk: (typeof disks)[number]) => `${disk.bytes} ${disk.availableBytes}`;
  return disks
    .filter((disk, index) => disks.findIndex((other) => one(other) === one(disk)) === index)
    .map(({ path, availableBytes }) => `${bytes(availableBytes)} on ${path}`);
}

/** The document of `bin-proxy explain --json`. */
export function explainDocument(all: readonly Explained[], { now, manifest, warnings }: ExplainContext) {
  return {
    schema: 'bin-proxy/explain/1',
    host: hostname(),
    at: now.toISOString(),
    warnings,
    binaries: all.map(({ seen, plan, last }) => {
      const { entry, standing, installed, record } = seen;
      return {
        name: entry.name,
        path: entry.path,
        state: standing.state,
        ...(standing.until !== undefined && { until: standing.until }),
        ...(entry.window !== undefined && { window: entry.window.text }),
        ...explanationOf(standing, plan, { name: entry.name, manifest }),
        ...(installed.kind === 'present' && { installed: digestText(installed.digest) }),
        ...(record !== undefined && { record }),
        ...(last !== undefined && { lastRollback: { file: last.path, evidence: last.evidence } }),
      };
    }),
  };
}
