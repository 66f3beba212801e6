import { open, readFile, realpath } from 'node:fs/promises';
import { UpdateError } from '../domain/errors.ts';
import type { JournalService } from '../domain/journal.ts';
import { judge, type ProcessSample, type Sample, statesSeen, type Window } from '../planning/health.ts';
import type { Clock } from '../platform/clock.ts';
import { type FileIdentity, identityOf, orUndefined } from '../platform/files.ts';
import { type ExecutedFile, executedFile, processFacts, processTree } from '../platform/processes.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import type { Probe, Proof } from './probe.ts';

const WATCH_MS = 250;
/** Asking supervisorctl may cost a Python start; while a program is starting nothing else can tell. */
const START_POLL_MS = 500;
/** A service manager that restarts more often in one proof has trouble of its own. */
const MOST_WATCHES = 3;
/** supervisord answers for up to a second before it starts its programs. */
const FIRST_STARTS_MS = 2_000;

/** What a watch is about. */
interface Watched {
  readonly services: readonly JournalService[];
  readonly names: ReadonlySet<string>;
  readonly window: Window;
  readonly onWatch: (secondsLeft: number) => void;
}

/** Process stability: the same pid with the same start time for the whole window, executing the live inode. */
export class ProcessProbe implements Probe {
  readonly #services: ServiceManager;
  readonly #clock: Clock;

  constructor(services: ServiceManager, clock: Clock) {
    this.#services = services;
    this.#clock = clock;
  }

  async executing(processes: readonly ProcessSample[], targets: readonly string[]): Promise<ReadonlySet<string>> {
    const users = new Set<string>();
    const files = await Promise.all(targets.map(liveFile));
    for (const { process, pid } of processes) {
      if (pid !== undefined && (await treeExecutes(pid, files, isAtPath))) users.add(process);
    }
    return users;
  }

  async prove(
    services: readonly JournalService[],
    window: Window,
    onWatch: (secondsLeft: number) => void,
  ): Promise<Proof> {
    const names = new Set(services.flatMap(({ processes }) => processes.map(({ process }) => process)));
    const watched = { services, names, window, onWatch };
    // Two start times need no clock. What began before this run is no news.
    let known = (await processFacts(process.pid))?.startTime;
    for (let watches = 1; ; watches++) {
      const proof = await this.#watch(watched);
      if (proof.kind === 'proven' || watches === MOST_WATCHES) return proof;
      const startTime = await this.#services.startTime();
      if (startTime === undefined || Number(startTime) <= Number(known)) return proof;
      known = startTime;
      const stopped = await this.#leftStopped(watched);
      if (stopped !== undefined) return stopped;
    }
  }

  /** A service manager that has just begun starts everything but what is not to be started by itself. */
  async #leftStopped(watched: Watched): Promise<Proof | undefined> {
    await this.#clock.sleep(FIRST_STARTS_MS);
    const { processes } = await this.#sample(watched);
    return processes.some(({ state }) => state === 'stopped') ? { kind: 'stopped', processes: [] } : undefined;
  }

  async #watch(watched: Watched): Promise<Proof> {
    const { window, onWatch } = watched;
    const samples: Sample[] = [];
    for (;;) {
      const last = samples.at(-1);
      const sample = (last && (await this.#unchanged(last))) ?? (await this.#sample(watched));
      samples.push(sample);
      const verdict = judge(samples, window);
      if (verdict.kind === 'failed') return { ...verdict, seen: statesSeen(samples) };
      if (verdict.kind === 'stopped') return { kind: 'stopped', processes: last?.processes ?? [] };
      if (verdict.kind === 'stable') return this.#confirm(watched, samples);
      const up = sample.processes.every(({ state }) => state === 'running');
      const began = samples.find((one) => one.processes.every(({ state }) => state === 'running'))?.atMs;
      onWatch(began === undefined ? window.stableMs / 1000 : (window.stableMs - (sample.atMs - began)) / 1000);
      await this.#clock.sleep(up ? WATCH_MS : START_POLL_MS);
    }
  }

  /** The kernel alone tells that every process still is the one seen before: no child process, a few microseconds. */
  async #unchanged(last: Sample): Promise<Sample | undefined> {
    for (const { state, pid, startTime } of last.processes) {
      if (state !== 'running' || pid === undefined || startTime === undefined) return undefined;
      if ((await processFacts(pid))?.startTime !== startTime) return undefined;
    }
    return { atMs: this.#clock.monotonicMs(), processes: last.processes };
  }

  async #sample(watched: Watched): Promise<Sample> {
    const statuses = await this.#inspect(watched);
    const known = [...statuses.values()].flatMap((status) => (status.kind === 'known' ? status.processes : []));
    const found = new Map(known.map((one) => [one.process, one]));
    const processes = [...watched.names].map((process): ProcessSample => {
      return found.get(process) ?? { process, state: 'stopped', detail: 'no longer known' };
    });
    return { atMs: this.#clock.monotonicMs(), processes };
  }

  /** One that is being restarted cannot be asked for a while. */
  async #inspect({ services, window, onWatch }: Watched): ReturnType<ServiceManager['inspect']> {
    for (const deadline = this.#clock.monotonicMs() + window.startMs; ; await this.#clock.sleep(START_POLL_MS)) {
      try {
        return await this.#services.inspect(services.map(({ service }) => service));
      } catch (error) {
        if (!(error instanceof UpdateError) || this.#clock.monotonicMs() > deadline) throw error;
        onWatch(window.stableMs / 1000);
      }
    }
  }

  /** The last word is the service manager's and the kernel's: still RUNNING, and executing what is on disk now. */
  async #confirm(watched: Watched, samples: readonly Sample[]): Promise<Proof> {
    const now = await this.#sample(watched);
    const seen = statesSeen([...samples, now]);
    const verdict = judge([...samples, now], watched.window);
    if (verdict.kind === 'failed') return { ...verdict, seen };
    if (verdict.kind === 'stopped') return { kind: 'stopped', processes: samples.at(-1)?.processes ?? [] };
    for (const service of watched.services) {
      const wrong = await wrongProgram(service, now.processes);
      if (wrong !== undefined) return { kind: 'failed', reason: 'runs-another-file', detail: wrong, seen };
    }
    return { kind: 'proven', processes: now.processes };
  }
}

/** Whoever ran a managed file before must run a live one now; where that is unknown, at least one process must. */
async function wrongProgram(service: JournalService, samples: readonly ProcessSample[]): Promise<string | undefined> {
  const pidOf = (process: string) => samples.find((sample) => sample.process === process);
  const same = service.processes.find(({ process, pid, startTime }) => {
    const now = pidOf(process);
    return pid !== undefined && now?.pid === pid && now.startTime === startTime;
  });
  if (same !== undefined) return `${same.process} was not restarted: it still is pid ${same.pid}`;
  const files = await Promise.all(service.targets.map(liveFile));
  const right = new Set<string>();
  const concerned = service.processes.filter(({ executed }) => executed !== 'other');
  for (const { process } of concerned) {
    const pid = pidOf(process)?.pid;
    if (pid !== undefined && (await treeExecutes(pid, files, isLive))) right.add(process);
  }
  const must = concerned.filter(({ executed }) => executed === 'target');
  const wrong = must.find(({ process }) => !right.has(process)) ?? (right.size === 0 ? concerned[0] : undefined);
  if (wrong === undefined) return undefined;
  const pid = pidOf(wrong.process)?.pid;
  const found = pid === undefined ? undefined : (await executedFile(pid))?.path;
  return `${wrong.process} runs ${found ?? 'an unknown file'}, expected ${service.targets.join(' or ')}`;
}

/** A managed file as it is on disk now. */
interface ManagedFile {
  readonly path: string;
  readonly identity: FileIdentity | undefined;
  readonly kind: 'script' | 'binary';
}

type Runs = (process: ExecutedFile, file: ManagedFile) => boolean;

async function liveFile(path: string): Promise<ManagedFile> {
  return { path, identity: await identityOf(path), kind: await kindOf(path) };
}

async function treeExecutes(root: number, files: readonly ManagedFile[], runs: Runs): Promise<boolean> {
  if (await executesOne(root, files, runs)) return true;
  // Its children are found by a look at every process of the host: for the sake of wrappers alone.
  for (const pid of (await processTree(root)).slice(1)) if (await executesOne(pid, files, runs)) return true;
  return false;
}

async function executesOne(pid: number, files: readonly ManagedFile[], runs: Runs): Promise<boolean> {
  const process = await executedFile(pid);
  if (process === undefined) return false;
  if (files.some((file) => runs(process, file))) return true;
  const interprets = await interpretedFiles(process);
  const mapped = await mappedFiles(pid);
  return files.some(({ kind, path }) => mapped.has(path) || (kind === 'script' && interprets.includes(path)));
}

/** The inode that is live: not merely the same path, which a process from before the replacement has too. */
const isLive: Runs = (process, { identity }) => identity?.dev === process.dev && identity.ino === process.ino;

const isAtPath: Runs = (process, { path }) => process.path.replace(/ \(deleted\)$/, '') === path;

/** For `#!` the kernel runs the interpreter and hands it the script; the program's own name is not an argument. */
async function interpretedFiles({ argv }: ExecutedFile): Promise<readonly string[]> {
  const paths = argv.slice(1).filter((argument) => argument.startsWith('/'));
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}

/** A managed library is not executed but mapped. A replaced one is marked as deleted and does not count. */
async function mappedFiles(pid: number): Promise<ReadonlySet<string>> {
  const text = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  return new Set(text.split('\n').flatMap((line) => /\s(\/.*)$/.exec(line)?.[1] ?? []));
}

async function kindOf(path: string): Promise<ManagedFile['kind']> {
  const handle = await orUndefined(open(path, 'r'));
  if (handle === undefined) return 'binary';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.subarray(0, bytesRead).toString('latin1') === '#!' ? 'script' : 'binary';
  } finally {
    await handle.close();
  }
}
