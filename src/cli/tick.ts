import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { RunError } from '../domain/errors.ts';
import type { Manifest, ManifestEntry } from '../domain/manifest.ts';
import { nearestName } from '../domain/names.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Plan, PlannedBinary } from '../domain/plan.ts';
import { releaseId } from '../domain/release.ts';
import type { Settings } from '../domain/settings.ts';
import type { LookPolicy } from '../engine/look.ts';
import { installedText } from '../planning/decide.ts';
import { isKeepaliveDue } from '../planning/keepalive.ts';
import { delay, os } from '../platform/builtins.ts';
import { deadTemporaries } from '../platform/files.ts';
import { hostDraw, hostId } from '../platform/host-id.ts';
import { lockDirectory } from '../platform/lock-place.ts';
import { distrusted } from '../platform/trust.ts';
import { loadManifest } from '../store/manifest-file.ts';
import type { Invocation } from './command-line.ts';
import { composeLook, type LookHalf } from './compose-look.ts';
import { type ExitCode, exitCodeOf, exitCodeOfError } from './exit-codes.ts';
import { type RunDocument, reportRun } from './report-run.ts';
import { loadSettings } from './settings.ts';
import { type Terminal, terminal } from './terminal.ts';

/** What `run`, `plan` and the commands that read this host begin with: settings, and the look half. */
export interface Beginning {
  readonly invocation: Invocation;
  readonly settings: Settings;
  readonly half: LookHalf;
  /** About the settings. */
  readonly warnings: readonly string[];
  readonly run: string;
  /** Before the splay: cron begins in every minute once. */
  readonly begun: Date;
  readonly out: Terminal;
}

/** The same, and the manifest. */
export interface Tick extends Beginning {
  readonly manifest: Manifest;
  /** Of the manifest, as `settledFingerprint` has it. */
  readonly fingerprint: string | undefined;
  readonly entries: readonly ManifestEntry[];
}

export async function beginTick(invocation: Invocation): Promise<Tick> {
  return withManifest(await begin(invocation));
}

export async function begin(invocation: Invocation): Promise<Beginning> {
  const begun = new Date();
  const loaded = await loadSettings({ flags: invocation.settings, environment: process.env });
  const { settings } = loaded;
  const { manifestFile, stateDir, lockFile, caFile } = settings;
  const certificates = caFile === undefined ? [] : [caFile];
  await mustBeTrusted([loaded.configFile, manifestFile, stateDir, dirname(lockFile), ...certificates]);
  if (invocation.command === 'run') await splay(settings);
  return {
    invocation,
    settings,
    half: await composeLook(settings),
    warnings: loaded.warnings,
    run: runId(),
    begun,
    out: terminal(invocation.color),
  };
}

export async function withManifest(beginning: Beginning): Promise<Tick> {
  const { invocation, settings, half } = beginning;
  const { manifest, freshness, fingerprint } = await loadManifest(
    { file: settings.manifestFile, binDir: settings.binDir },
    half.cache,
  );
  const warnings = [...beginning.warnings, ...manifest.warnings];
  return {
    ...beginning,
    manifest,
    fingerprint,
    entries: select(manifest, invocation.names),
    warnings: freshness === 'changed' || invocation.command !== 'run' ? warnings : [],
  };
}

/** Names a run in the log and in the history. No secret, so any random number will do. */
function runId(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}

/** Whoever can write one of these decides what root installs and runs. Throws {@link RunError} `no-permission`. */
export async function mustBeTrusted(paths: readonly string[]): Promise<void> {
  const found = await distrusted(paths);
  if (found === undefined) return;
  throw new RunError('no-permission', `${found.path} must not be trusted: ${found.why}`, {
    hint: 'Give it to root and let nobody else write it (chown root, chmod go-w), and the directories above it.',
  });
}

export function policyOf(tick: Tick): LookPolicy {
  const { command, output, force, wishes } = tick.invocation;
  return {
    now: new Date(),
    windows: wishes['now'] === 'yes' ? 'ignore' : 'respect',
    pastFailures: force === 'yes' ? 'ignore' : 'respect',
    records: command === 'plan' || output === 'json' || tellsEverything(tick) ? 'all' : 'needed',
  };
}

/** Whether somebody watches, or asked for more than changes. */
export function tellsEverything({ invocation, out }: Beginning): boolean {
  return invocation.volume !== 'quiet' && (out.interactive || invocation.volume !== 'normal');
}

/** Nothing an earlier tick left to be finished, and nothing odd about what it put on probation. */
export async function nothingPending({ half, settings }: Beginning): Promise<boolean> {
  if (deadTemporaries(settings.stateDir).length > 0 || (await hasRunDied(settings))) return false;
  if ((await half.journal.read()).kind !== 'absent') return false;
  const probations = await half.probations.read();
  // Loaded only for the few minutes after an update.
  return probations.length === 0 || (await import('../engine/uneventful.ts')).isUneventful(probations, new Date());
}

/** Whether a run died while it held the lock: what it left half-made is to be removed, whatever else is to be done. */
async function hasRunDied({ lockFile }: Settings): Promise<boolean> {
  if (!existsSync(lockDirectory(lockFile))) return false;
  return (await (await import('../platform/lock-owner.ts')).lockOwner(lockFile)) === undefined;
}

/** Whether the release server is told what this tick does. */
export function tellsServer({ settings: { report } }: Beginning, { reports }: Pick<Plan, 'reports'>): boolean {
  return report === 'on' || (report === 'auto' && reports === 'wanted');
}

/**
 * Whether this tick tells the server of the whole host, even if there is nothing new. One that was asked for some of the
 * binaries knows nothing of the others.
 */
export async function isStatusDue(tick: Beginning, said: Pick<Plan, 'reports'>): Promise<boolean> {
  if (!tellsServer(tick, said) || tick.invocation.names.length > 0) return false;
  return isKeepaliveDue(hostDraw(await hostId(), 'keepalive'), tick.begun);
}

/**
 * Whether somebody beside its caller is told of a run of the whole host. Where nobody is, a tick loads nothing of it
 * (invariant 12).
 */
export function hasWatchers({ invocation, settings }: Beginning): boolean {
  const isWanted = settings.metricsFile !== undefined || settings.pingUrl !== undefined;
  return isWanted && invocation.command === 'run' && invocation.names.length === 0;
}

/** Prints what became of every binary, and turns it into an exit code. */
export function conclude(tick: Tick, outcomes: readonly Outcome[], ended?: RunError): ExitCode {
  const worst = exitCodeOf(outcomes);
  const exitCode = ended === undefined ? worst : worst === 21 ? 21 : exitCodeOfError(ended.code);
  const { invocation, out } = tick;
  if (invocation.output === 'json') {
    const document: RunDocument = {
      schema: 'bin-proxy/run/1',
      run: tick.run,
      host: os().hostname(),
      at: new Date().toISOString(),
      source: tick.half.source.label,
      exitCode,
      binaries: outcomes,
    };
    out.data(JSON.stringify(document));
  } else {
    const normal = tellsEverything(tick) ? 'everything' : 'changes';
    reportRun(outcomes, invocation.volume === 'quiet' ? 'acted' : normal, out);
  }
  return exitCode;
}

/** The outcome of a binary that is not changed in this tick. */
export function idleOutcome({ entry, decision, installed }: PlannedBinary): Outcome {
  const from = installedText(installed);
  const release = 'release' in decision ? decision.release : undefined;
  const common = {
    name: entry.name,
    ...(from !== undefined && { from }),
    ...(release !== undefined && { to: releaseId(release), version: release.version }),
  };
  switch (decision.kind) {
    case 'up-to-date':
      return { ...common, outcome: 'up-to-date', reason: 'up-to-date', detail: 'up to date' };
    case 'leave': {
      const { reason, detail, until } = decision;
      return { ...common, outcome: 'held', reason, detail, ...(until !== undefined && { nextAttempt: until }) };
    }
    case 'fail': {
      const { reason, detail, hint } = decision;
      return { ...common, outcome: 'failed', reason, detail, ...(hint !== undefined && { hint }) };
    }
    case 'change':
      return { ...common, outcome: 'failed', reason: 'interrupted', detail: 'the run ended before its turn' };
  }
}

function select(manifest: Manifest, names: readonly string[]): readonly ManifestEntry[] {
  const known = new Set<string>(manifest.entries.map(({ name }) => name));
  const strangers = names.filter((name) => !known.has(name));
  if (strangers.length > 0) {
    const there = known.size === 0 ? 'no binaries' : [...known].join(', ');
    throw new RunError(
      'usage',
      `no binary ${strangers.map((name) => JSON.stringify(name)).join(', ')} in the manifest`,
      {
        hint: `${manifest.file} names ${there}.${didYouMean(strangers, [...known])}`,
      },
    );
  }
  return names.length === 0 ? manifest.entries : manifest.entries.filter(({ name }) => names.includes(name));
}

function didYouMean(strangers: readonly string[], known: readonly string[]): string {
  const near = new Set(strangers.flatMap((name) => nearestName(name, known) ?? []));
  return near.size === 0 ? '' : ` Did you mean ${[...near].join(', ')}?`;
}

/** cron starts every host at the same second: each waits its own share. A person at a terminal does not wait. */
async function splay({ splaySeconds }: Settings): Promise<void> {
  if (splaySeconds === 0 || process.stdin.isTTY) return;
  await delay(hostDraw(await hostId(), 'splay') * splaySeconds * 1000);
}
