import { hostname } from 'node:os';
import { digestText, shortDigest } from '../domain/digest.ts';
import type { MaintenanceWindow } from '../domain/manifest.ts';
import { minute } from '../planning/minute.ts';
import type { StandingKind } from '../planning/standing.ts';
import { clockText, isOpen, nextOpening } from '../planning/window.ts';
import { type LockOwner, ownerText } from '../platform/lock-owner.ts';
import type { Schedule } from '../platform/schedule.ts';
import { columns, printableText } from '../platform/text.ts';
import type { HistoryLine } from '../store/history.ts';
import { ago, changeWord, span } from './desk-words.ts';
import { fitted } from './fitted.ts';
import type { HostView, SeenBinary } from './host-view.ts';
import type { ServiceProcess, ServiceStates } from './service-states.ts';
import type { Terminal } from './terminal.ts';

export interface StatusContext {
  readonly services: ServiceStates;
  readonly schedules: readonly Schedule[];
  readonly lockFile: string;
  readonly owner?: LockOwner;
  /** The newest change of this host. */
  readonly last?: HistoryLine;
}

export const STANDING_WORDS: Readonly<Record<StandingKind, string>> = {
  ok: 'ok',
  'as-found': 'as found',
  unfinished: 'unfinished',
  'rollback-failed': 'ROLLBACK FAILED',
  missing: 'MISSING',
  unreadable: 'UNREADABLE',
  held: 'held',
  drifted: 'drifted',
  proving: 'proving',
  quarantined: 'quarantined',
  'backing-off': 'backing off',
  'rolled-back': 'rolled back',
  failed: 'FAILED',
};
const STYLES = {
  ok: 'green',
  'as-found': 'dim',
  unfinished: 'yellow',
  'rollback-failed': 'red',
  missing: 'red',
  unreadable: 'red',
  held: 'yellow',
  drifted: 'yellow',
  proving: 'green',
  quarantined: 'yellow',
  'backing-off': 'yellow',
  'rolled-back': 'yellow',
  failed: 'red',
} as const;
/** More than these are counted. */
const MOST_NAMES = 3;
const HEAD = ['NAME', 'VERSION', 'DIGEST', 'STATE', 'SERVICE', 'LAST OUTCOME', 'KEPT'];

/** One row a binary, one fact a column; below it a line for whatever is not as it should be, and the last run. */
export function reportStatus(view: HostView, context: StatusContext, out: Terminal): void {
  for (const warning of view.warnings) out.line(out.paint('yellow', `warning: ${warning}`));
  const table = [HEAD, ...view.binaries.map((binary) => row(binary, view.now, context))];
  const [head = [], ...rows] = columns(fitted(table, ['KEPT', 'DIGEST'], out.width));
  if (rows.length === 0) out.line('The manifest names no binaries.');
  else out.line(out.paint('bold', head.join('  ')));
  for (const [index, cells] of rows.entries()) {
    const state = view.binaries[index]?.standing.state ?? 'ok';
    const painted = cells.map((cell, i) =>
      head[i]?.trim() === 'STATE' ? out.paint(STYLES[state], cell) : printableText(cell),
    );
    out.line(painted.join('  ').trimEnd());
  }
  out.line('');
  const notes = view.binaries.flatMap((binary) => notesOf(binary, context.services));
  for (const note of notes) out.line(printableText(note));
  if (notes.length > 0) out.line('Why, and what to do: bin-proxy explain NAME\n');
  for (const line of footer(view, context)) out.line(printableText(line));
}

function row(binary: SeenBinary, now: Date, { services }: StatusContext): readonly string[] {
  const { entry, installed, standing, record, backups } = binary;
  const last = record?.last;
  return [
    entry.name,
    versionOf(binary) ?? '-',
    installed.kind === 'present' ? shortDigest(installed.digest) : '-',
    STANDING_WORDS[standing.state],
    serviceText(entry.name, services.of.get(entry.name), entry.services.length),
    last === undefined ? '-' : `${changeWord(last)} ${ago(last.at, now)}`,
    String(backups.length),
  ];
}

/** Of the bytes that are there; of others nobody knows it. */
function versionOf({ standing, record, installed }: SeenBinary): string | undefined {
  return standing.state === 'drifted' || installed.kind !== 'present' ? undefined : record?.active?.version;
}

function serviceText(name: string, processes: readonly ServiceProcess[] | undefined, wanted: number): string {
  if (wanted === 0) return 'none';
  const [first, ...others] = processes ?? [];
  if (first === undefined) return '-';
  if (others.length === 0) {
    const up = first.state === 'running' && first.uptimeSeconds !== undefined ? ` ${span(first.uptimeSeconds)}` : '';
    return `${first.process === name ? '' : `${first.process} `}${first.state.toUpperCase()}${up}`;
  }
  const all = [first, ...others];
  const running = all.filter(({ state }) => state === 'running');
  const youngest = Math.min(...running.map(({ uptimeSeconds = 0 }) => uptimeSeconds));
  return `${running.length}/${all.length} RUNNING${running.length > 0 ? ` ${span(youngest)}` : ''}`;
}

function notesOf({ entry, standing }: SeenBinary, services: ServiceStates): readonly string[] {
  const { state, detail, until } = standing;
  const word = `${STANDING_WORDS[state]}${until === undefined ? '' : ` until ${minute(until)}`}`;
  const strangers = services.unknown.get(entry.name) ?? [];
  const down = (services.of.get(entry.name) ?? []).filter(({ failing }) => failing === 'yes');
  return [
    ...(detail === ''
      ? []
      : [`${entry.name}: ${detail.startsWith(`${STANDING_WORDS[state]} `) ? '' : `${word}: `}${detail}`]),
    ...strangers.map((name) => `${entry.name}: supervisor knows no program "${name}"`),
    ...down.map((one) => {
      const which = one.process === entry.name ? 'its service' : one.process;
      return `${entry.name}: ${which} is ${one.state.toUpperCase()} (${one.detail})`;
    }),
  ];
}

function footer(view: HostView, { services, schedules, owner, last }: StatusContext): readonly string[] {
  const rows: (readonly [string, string])[] = [];
  if (services.trouble !== undefined) rows.push(['Services', `not known: ${services.trouble}`]);
  if (owner !== undefined) rows.push(['Running', `${ownerText(owner)}`]);
  if (view.unfinished !== undefined && owner === undefined)
    rows.push(['Unfinished', `run ${view.unfinished} has ended in an update; the next run takes it up first`]);
  if (last !== undefined) {
    const by = last.by === undefined ? '' : `, ${last.by}`;
    rows.push(['Last change', `${minute(last.at)}  ${last.name} ${changeWord(last)} (run ${last.run}${by})`]);
  } else rows.push(['Last change', 'none yet']);
  rows.push(...windowRows(view));
  for (const { when, file, next } of schedules)
    rows.push(['Next run', next === undefined ? `as of "${when}" (${file})` : `${minute(next)} (${file})`]);
  return columns(rows).map((cells) => cells.join('  '));
}

/** What an update would wait for, once for each window that is closed. Whether one waits, only the server can tell. */
function windowRows({ binaries, now }: HostView): readonly (readonly [string, string])[] {
  const closed = new Map<string, { readonly window: MaintenanceWindow; readonly names: string[] }>();
  for (const { entry, standing } of binaries) {
    const { window } = entry;
    if (window === undefined || standing.state === 'held' || isOpen(window, now)) continue;
    const one = closed.get(window.text) ?? { window, names: [] };
    one.names.push(entry.name);
    closed.set(window.text, one);
  }
  return [...closed.values()].map(({ window, names }) => {
    const opens = nextOpening(window, now);
    const who = names.length > MOST_NAMES ? `${names.length} binaries` : names.join(', ');
    const until = opens === undefined ? 'it opens, which is never' : clockText(opens);
    return ['Window', `updates of ${who} wait until ${until} (${window.text})`];
  });
}

/** The document of `bin-proxy status --json`. */
export function statusDocument(view: HostView, { services, schedules, lockFile, owner, last }: StatusContext) {
  return {
    schema: 'bin-proxy/status/1',
    host: hostname(),
    at: view.now.toISOString(),
    warnings: view.warnings,
    binaries: view.binaries.map((binary) => binaryDocument(binary, services)),
    lock: {
      file: lockFile,
      ...(owner === undefined ? { state: 'free' } : { state: 'held', by: owner.command, pid: owner.pid }),
    },
    ...(services.trouble !== undefined && { servicesUnknown: services.trouble }),
    ...(view.unfinished !== undefined && { unfinished: view.unfinished }),
    ...(last !== undefined && { lastChange: last }),
    schedules,
  };
}

function binaryDocument(binary: SeenBinary, services: ServiceStates) {
  const { entry, installed, standing, record, backups } = binary;
  const version = versionOf(binary);
  const { detail, until, state } = standing;
  return {
    name: entry.name,
    path: entry.path,
    state,
    ...(detail !== '' && { detail }),
    ...(until !== undefined && { until }),
    ...(version !== undefined && { version }),
    ...(installed.kind === 'present' && { digest: digestText(installed.digest) }),
    services: entry.services,
    ...(entry.window !== undefined && { window: entry.window.text }),
    processes: (services.of.get(entry.name) ?? []).map(({ failing, ...process }) => ({
      ...process,
      failing: failing === 'yes',
    })),
    ...(record?.last !== undefined && { last: record.last }),
    backups: backups.map(({ path, digest, changedMs }) => ({
      digest: digestText(digest),
      path,
      kept: new Date(changedMs).toISOString(),
    })),
  };
}
