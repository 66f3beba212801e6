import { errorText } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { HostIdentity, Running } from '../domain/reported.ts';
import { reasonText } from '../planning/reported.ts';
import type { Clock } from '../platform/clock.ts';
import type { Http } from '../platform/http.ts';
import { printable } from '../platform/http-trouble.ts';
import { keepaliveBody, type Progress, progressBody, versionBody } from './bin-manager-bodies.ts';
import type { Attempt, Reporter, Status } from './reporter.ts';

const REPORT_TIMEOUT_MS = 3_000;
/** How long a run that is over goes on with what was not sent yet. What is on its way by then has its own deadline. */
const SETTLE_MS = 2_000;
/** How long it waits at all where somebody has asked it to stop. */
const HURRY_MS = 1_000;
const OVER = 'the run was over before all reports were sent';
/** What a server says that knows no such report. Older ones know only some. */
const UNKNOWN: readonly number[] = [404, 405, 410, 501];

export interface ReporterPlace {
  readonly api: URL;
  readonly host: () => Promise<HostIdentity>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Where a report goes, and what it says. */
interface Report {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body: object;
}

/**
 * `POST {api}/bins/{name}/progress`, `/bins/{name}` and `/keepalive`, one after the other, in the form that servers of
 * every dialect can read.
 */
export class BinManagerReporter implements Reporter {
  readonly #place: ReporterPlace;
  readonly #http: Http;
  /** When each update that was begun and not ended yet began. */
  readonly #begun = new Map<string, number>();
  readonly #abort = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  #host: Promise<HostIdentity> | undefined;
  #told: 'nothing' | 'something' = 'nothing';
  #state: 'open' | 'failed' | 'out-of-time' = 'open';
  #trouble: string | undefined;

  constructor(place: ReporterPlace, http: Http) {
    this.#place = place;
    this.#http = http;
  }

  begins({ name, release }: Attempt): void {
    if (this.#begun.has(name)) return;
    this.#begun.set(name, this.#place.clock.monotonicMs());
    this.#progress({ name, release, seconds: 0, status: 'in_progress' });
  }

  ended(outcome: Outcome, running: Running | undefined): void {
    const { name } = outcome;
    const begun = this.#begun.get(name);
    this.#begun.delete(name);
    const verdict = verdictOf(outcome);
    if (verdict === undefined || (outcome.outcome === 'failed' && begun === undefined)) return;
    const seconds = begun === undefined ? 0 : (this.#place.clock.monotonicMs() - begun) / 1000;
    this.#progress({ name, release: outcome.to ?? '', seconds, ...verdict });
    if (running === undefined) return;
    const path = `bins/${encodeURIComponent(name)}`;
    this.#enqueue((host) => ({ path, body: versionBody(host, name, running) }));
  }

  async settle({ when, binaries }: Status, stop: AbortSignal): Promise<string | undefined> {
    const now = () => this.#breakOff();
    const timer = stop.aborted ? setTimeout(now, HURRY_MS) : setTimeout(() => this.#dropRest(), SETTLE_MS);
    stop.addEventListener('abort', now, { once: true });
    try {
      await this.#queue;
      clearTimeout(timer);
      const wanted = when === 'always' || (when === 'after-a-report' && this.#told === 'something');
      if (wanted && this.#state !== 'failed' && !stop.aborted) await this.#keepalive(binaries);
    } finally {
      clearTimeout(timer);
      stop.removeEventListener('abort', now);
    }
    return this.#trouble;
  }

  /** Says all that was left out, should there have been no time for the rest. */
  async #keepalive(binaries: Status['binaries']): Promise<void> {
    await this.#guarded(async () => {
      const host = await this.#identity();
      const body = keepaliveBody(host, await binaries());
      await this.#send({ path: 'keepalive', query: { node_id: host.id, node: host.name }, body });
    });
  }

  #progress(progress: Progress): void {
    const path = `bins/${encodeURIComponent(progress.name)}/progress`;
    this.#enqueue((host) => ({ path, body: progressBody(host, progress) }));
  }

  #enqueue(report: (host: HostIdentity) => Report): void {
    this.#told = 'something';
    this.#queue = this.#queue.then(async () => {
      if (this.#state === 'out-of-time') this.#trouble ??= OVER;
      if (this.#state !== 'open') return;
      await this.#guarded(async () => this.#send(report(await this.#identity())));
    });
  }

  async #send({ path, query = {}, body }: Report): Promise<void> {
    const url = new URL(`${this.#place.api.href.replace(/\/+$/, '')}/${path}`);
    url.search = new URLSearchParams(query).toString();
    const status = await this.#http.post(url, body, {
      totalMs: REPORT_TIMEOUT_MS,
      signal: this.#abort.signal,
    });
    if (status >= 200 && status <= 299) return;
    const trouble = `HTTP ${status} from ${printable(url)}, expected 200`;
    if (!UNKNOWN.includes(status)) throw new Error(trouble);
    this.#trouble ??= trouble;
  }

  /** The first trouble is the last report, and goes no further (invariant 8). */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#state = 'failed';
      this.#trouble ??= this.#abort.signal.aborted ? OVER : errorText(error);
    }
  }

  #dropRest(): void {
    if (this.#state === 'open') this.#state = 'out-of-time';
  }

  #breakOff(): void {
    this.#dropRest();
    this.#abort.abort();
  }

  #identity(): Promise<HostIdentity> {
    this.#host ??= this.#place.host();
    return this.#host;
  }
}

/** Undefined where nothing was tried. */
function verdictOf(outcome: Outcome): Pick<Progress, 'status' | 'outcome' | 'reason'> | undefined {
  switch (outcome.outcome) {
    case 'up-to-date':
    case 'held':
      return undefined;
    case 'updated':
      return { status: 'success' };
    case 'failed':
      return { status: 'failed', reason: reasonText(outcome) };
    case 'rolled-back':
    case 'rollback-failed':
      return { status: 'failed', outcome: outcome.outcome, reason: reasonText(outcome) };
  }
}
