import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { BinaryName, VersionName } from '../../domain/names.ts';
import { STABLE } from '../../manager/catalog.ts';
import { publish } from '../../manager/publish.ts';
import { AccessLog } from '../../manager/server/access-log.ts';
import { LIMITS } from '../../manager/server/limits.ts';
import { ReleaseServer as Server } from '../../manager/server/release-server.ts';
import { Tokens } from '../../manager/server/tokens.ts';
import { prepareStore } from '../../manager/session.ts';
import { ReleaseStore } from '../../manager/store.ts';
import { TrustedProxies } from '../../platform/proxy-trust.ts';

const WAIT_MS = 30_000;
/** The log is written a tenth of a second late at most. */
const LOGGED_MS = 300;
const NOBODY = new Tokens([]);

interface KnownHost {
  readonly name: string;
  readonly binaries: readonly { readonly name: string; readonly version?: string }[];
}

interface Parts {
  readonly store: ReleaseStore;
  readonly server: Server;
  readonly log: { readonly file: string; readonly descriptor: number; readonly lines: AccessLog };
  readonly signal: AbortSignal;
}

/** bin-manager on a store of its own and on a free port of this machine, in this process. */
export class ReleaseServer {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(folder: string, signal: AbortSignal): Promise<ReleaseServer> {
    const store = new ReleaseStore(join(folder, 'releases'));
    await prepareStore(store);
    const file = join(folder, 'bin-manager.log');
    const descriptor = openSync(file, 'a');
    const log = { file, descriptor, lines: new AccessLog(descriptor) };
    const server = await Server.open({
      store,
      log: log.lines,
      address: { host: '127.0.0.1', port: 0 },
      tokens: () => NOBODY,
      tls: undefined,
      proxies: new TrustedProxies(),
      limits: LIMITS,
      reports: 'taken',
      deltas: 0,
    });
    return new ReleaseServer({ store, server, log, signal });
  }

  get api(): string {
    return `http://127.0.0.1:${this.#parts.server.address.port}/api/v1`;
  }

  async publish(name: string, version: string, bytes: Buffer): Promise<void> {
    const { store, signal } = this.#parts;
    const release = { name: name as BinaryName, version: version as VersionName, channel: STABLE };
    await publish(
      store,
      { ...release, conflict: 'refuse', bytes: Readable.from([bytes]) },
      { now: () => new Date(), waitMs: WAIT_MS, onWait: () => {}, signal },
    );
  }

  /** How often these very bytes were fetched. */
  async downloads(bytes: Buffer): Promise<number> {
    await delay(LOGGED_MS);
    const address = `/artifacts/${sha256(bytes)}"`;
    return readFileSync(this.#parts.log.file, 'utf8').split(address).length - 1;
  }

  /** What the hosts have reported. */
  async hosts(): Promise<readonly KnownHost[]> {
    const response = await fetch(`${this.api}/nodes`, { signal: this.#parts.signal });
    return ((await response.json()) as { readonly nodes: readonly KnownHost[] }).nodes;
  }

  async stop(): Promise<void> {
    const { server, log } = this.#parts;
    await server.close();
    await log.lines.close();
    closeSync(log.descriptor);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
