import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../support/host.ts';
import { StoreFolder } from '../support/release-store.ts';
import type { Contender } from './meter.ts';

const BASELINE = new URL('./baseline.sh', import.meta.url).pathname;

export interface Fleet {
  readonly binaries: number;
  readonly bytes: number;
  readonly index: 'offered' | 'none';
  /** What is published; default: a script of so many bytes. */
  readonly program?: Buffer;
}

/** A host whose binaries are what a store of the real bin-manager offers, and the programs that look after them. */
export class BenchHost {
  readonly store = new StoreFolder();
  /** The address of the server that serves the store. */
  api = '';
  /** Of the authority that it belongs to. */
  caFile: string | undefined;
  readonly #binDir = this.#path('bin');

  /** Many binaries are one, under many names: publishing a thousand would take longer than all measuring. */
  async publish({ binaries, bytes, index, program }: Fleet): Promise<void> {
    const first = program ?? executable(bytes, 1);
    await this.store.publish('app-0', first, '--version', '1');
    const stable = join(this.store.store, 'api/v1/releases/stable');
    const names = Array.from({ length: binaries }, (_, number) => `app-${number}`);
    mkdirSync(this.#binDir, { recursive: true });
    writeFileSync(join(this.#binDir, 'app-0'), first, { mode: 0o755 });
    for (const name of names.slice(1)) {
      symlinkSync(readlinkSync(join(stable, 'app-0')), join(stable, name));
      linkSync(join(this.#binDir, 'app-0'), join(this.#binDir, name));
    }
    this.#index(names, index);
    this.manages(...names.map((name) => ({ name, service: false as const })));
  }

  manages(...entries: readonly { readonly name: string; readonly service: string | false }[]): void {
    const binaries = entries.map((entry) => ({ ...entry, version: 'latest', currentMd5: '' }));
    writeFileSync(this.#path('manifest'), `${JSON.stringify({ binaries }, null, 2)}\n`);
    writeFileSync(this.#path('config'), '');
  }

  /** What a run finds out once and remembers; a digest is kept of files only that have not changed for 2 s. */
  settle(more: Readonly<Record<string, string>> = {}): void {
    for (let run = 0; run < 2; run++) {
      const { command, environment } = this.ours(more);
      const { status, stderr } = spawnSync(command[0], command.slice(1), { env: environment, encoding: 'utf8' });
      if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    }
  }

  ours(more: Readonly<Record<string, string>> = {}): Contender {
    const environment = {
      ...this.#environment(),
      BIN_MANAGER_API: this.api,
      BIN_DIR: this.#binDir,
      BIN_MANIFESTS: this.#path('manifest'),
      BIN_PROXY_CONFIG: this.#path('config'),
      BIN_PROXY_STATE_DIR: this.#path('state'),
      BIN_PROXY_LOCK_FILE: this.#path('run/lock'),
      LOG_FILE: this.#path('log'),
      ...(this.caFile !== undefined && { BIN_PROXY_CA_FILE: this.caFile }),
      ...more,
    };
    return { name: 'ours', command: [process.execPath, PROGRAM], environment };
  }

  bash(): Contender {
    const environment = {
      ...this.#environment(),
      API: this.api,
      BIN_DIR: this.#binDir,
      BIN_MANIFESTS: this.#path('manifest'),
      CURL_OPTIONS: this.caFile === undefined ? '' : `--cacert ${this.caFile}`,
      SUPERVISOR_CONF: this.#path('supervisord.conf'),
    };
    return { name: 'bash', command: [BASELINE], environment };
  }

  /** The same Node, with nothing to do. */
  bare(): Contender {
    return { name: 'bare', command: [process.execPath, '-e', '0'], environment: this.#environment() };
  }

  binary(name: string): string {
    return join(this.#binDir, name);
  }

  /** Puts another file where a binary was, as if it had been there before the release. */
  install(name: string, from: string): void {
    rmSync(this.binary(name), { force: true });
    copyFileSync(from, this.binary(name));
    chmodSync(this.binary(name), 0o755);
  }

  remove(): void {
    this.store.remove();
  }

  /** Nothing that the shell of whoever measures happens to export: NODE_EXTRA_CA_CERTS triples a bare node. */
  #environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '' };
  }

  #index(names: readonly string[], index: Fleet['index']): void {
    const file = join(this.store.store, 'api/v1/index.json');
    const text = JSON.parse(readFileSync(file, 'utf8')) as { binaries: Record<string, unknown> };
    rmSync(file);
    if (index === 'none') return;
    const binaries = Object.fromEntries(names.map((name) => [name, text.binaries['app-0']]));
    writeFileSync(file, JSON.stringify({ ...text, binaries }));
  }

  #path(name: string): string {
    return join(this.store.directory, name);
  }
}

/** A script of any size: the kernel reads its first line, and everybody else all of it. */
export function executable(bytes: number, version: number): Buffer {
  const head = `#!/bin/sh\nexec sleep 1000000 # ${version}\nexit\n`;
  const block = Buffer.from(Array.from({ length: 1 << 16 }, (_, i) => (i * 2654435761) >>> 13));
  const body = Buffer.alloc(bytes, block);
  body.write(head);
  return body;
}
