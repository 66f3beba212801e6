import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { has, isRoot } from './components.ts';
import type { Ran } from './host.ts';
import { md5 } from './program.ts';

const MANAGER = new URL('../../bin/bin-manager.js', import.meta.url).pathname;

/** A release store in a folder, and the real bin-manager run on it. */
export class StoreFolder {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-manager-'));
  readonly store = join(this.directory, 'store');
  readonly program = MANAGER;
  #files = 0;

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', BIN_MANAGER_STORE: this.store, ...more };
  }

  /** A file with these bytes, outside of the store. */
  file(bytes: Uint8Array | string): string {
    this.#files += 1;
    const file = join(this.directory, `file-${this.#files}`);
    writeFileSync(file, bytes);
    return file;
  }

  /** Runs the real program to its end. */
  async run(...args: readonly string[]): Promise<Ran> {
    return this.runWith({ args });
  }

  async runWith({ args, input, program = [process.execPath, MANAGER] }: Run): Promise<Ran> {
    const [file = '', ...before] = program;
    const child = spawn(file, [...before, ...args], { env: this.environment(), stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...output };
  }

  /** Publishes bytes; an exit code other than 0 is an error. */
  async publish(
    name: string,
    bytes: Uint8Array | string,
    ...args: readonly string[]
  ): Promise<Record<string, unknown>> {
    const ran = await this.run('publish', name, this.file(bytes), '--json', ...args);
    if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  }

  /** A file that is served, by its address below `/api/v1/`; undefined where there is none. */
  answer(address: string): string | undefined {
    return this.bytes(address)?.toString('utf8');
  }

  bytes(address: string): Buffer | undefined {
    const file = join(this.store, 'api/v1', address);
    return existsSync(file) ? readFileSync(file) : undefined;
  }

  index(): Index {
    return JSON.parse(this.answer('index.json') ?? '{"binaries":{}}') as Index;
  }

  /** What hosts that follow `latest` would install; undefined where nothing is answered. */
  offered(name: string, wanted = 'latest'): Buffer | undefined {
    const bytes = this.bytes(`releases/${wanted}/${name}/download`);
    const told = this.answer(`releases/${wanted}/${name}/md5`);
    if (bytes === undefined && told === undefined) return undefined;
    if (bytes === undefined || told !== digestAnswer('md5', bytes)) {
      throw new Error(
        `${wanted} of ${name} is torn: ${told}, but ${bytes?.length} bytes with md5 ${bytes && md5(bytes)}`,
      );
    }
    return bytes;
  }

  staged(): readonly string[] {
    const staging = join(this.store, 'staging');
    return existsSync(staging) ? readdirSync(staging) : [];
  }
}

interface Run {
  readonly args: readonly string[];
  readonly input?: Uint8Array | string;
  /** What runs bin-manager; default: node. */
  readonly program?: readonly string[];
}

interface Index {
  readonly schema: string;
  readonly binaries: Readonly<
    Record<string, { readonly channels: Readonly<Record<string, { readonly version: string }>> }>
  >;
}

export function digestAnswer(algorithm: 'md5' | 'sha256', bytes: Uint8Array): string {
  const hex = createHash(algorithm).update(bytes).digest('hex');
  return `${JSON.stringify({ code: 0, message: 'success', data: { [algorithm]: hex } })}\n`;
}

/** A script that is a release. */
export function script(text: string): Buffer {
  return Buffer.from(`#!/bin/sh\necho ${text}\n`);
}

const base = test.extend<{ store: StoreFolder }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  store: async ({}, use) => {
    const store = new StoreFolder();
    await use(store);
    store.remove();
  },
});

/** A test with a store of its own, removed afterwards. */
export const storeTest = base.skipIf(!has('flock'));

/** The same, for what only root can do: be somebody else, or mount. */
export const rootStoreTest = base.skipIf(!has('flock', 'mount') || !isRoot);
