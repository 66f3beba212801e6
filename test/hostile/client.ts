import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import type { FormerFile } from '../../src/platform/sink.ts';
import { HostileServer, type WireAnswer } from './hostile-server.ts';

const CLIENT = fileURLToPath(new URL('./client.mjs', import.meta.url));
/** No client here takes longer: one that does not come back is what they look for. */
export const LIMIT_MS = 30_000;
/** Most of the tests wait, so they wait together. */
export const PATIENT = { concurrent: true };

export interface Order {
  readonly url: string;
  readonly method?: 'text' | 'download';
  /** A token, and the URL it is for. */
  readonly token?: { readonly token: string; readonly for: string };
  /** Which Node runs the client; default: this one. */
  readonly node?: string;
  readonly limits?: {
    readonly former?: FormerFile;
    readonly maxBytes?: number;
    readonly idleMs?: number;
    readonly totalMs?: number;
    readonly least?: { readonly bytes: number; readonly ms: number };
  };
  /** By which way, believing which certificates (PEM) beside Node's own, and through which proxies (URLs). */
  readonly way?: {
    readonly by?: 'node:net' | 'node:http' | 'ky';
    readonly certificates?: readonly string[];
    readonly http?: string;
    readonly https?: string;
    readonly none?: readonly string[];
  };
  /** The run is asked to end when so many bytes have come. */
  readonly abortAtBytes?: number;
  readonly failingSink?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Result {
  /** 0, unless the process ended without a word or died. */
  readonly code: number | null;
  readonly stderr: string;
  readonly answer?: {
    readonly bytes?: number;
    readonly md5?: string;
    readonly restarts?: number;
    readonly status?: number;
    readonly text?: string;
    readonly contentType?: string;
    /** Why deltas were of no use. */
    readonly whole?: readonly string[];
  };
  readonly trouble?: {
    readonly name: string;
    readonly message: string;
    readonly kind?: string;
    readonly status?: number;
    readonly hint?: string;
  };
}

/**
 * Runs the client to its own end. One that lingers on a connection runs into its limit, and is killed. Where a test says
 * nothing of limits it is not about them: those that it has are longer than any wait of a busy machine.
 */
export async function request(order: Order): Promise<Result> {
  const { environment = {}, node = process.execPath, ...rest } = order;
  const whole = {
    method: 'download',
    ...rest,
    limits: { maxBytes: 1_000_000, idleMs: 20_000, totalMs: 24_000, ...order.limits },
  };
  const child = spawn(node, [CLIENT, JSON.stringify(whole)], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (output.stdout === '') throw new Error(`the client ended with ${code} and said nothing but ${output.stderr}`);
  const result = JSON.parse(output.stdout) as Pick<Result, 'answer' | 'trouble'>;
  return { code, stderr: output.stderr, ...result };
}

/** All ways of the client, for `describe.each`: what holds for one holds for the others. */
export const WAYS = (['node:net', 'node:http', 'ky'] as const).map((by) => ({
  by,
  request: (order: Order) => request({ ...order, way: { ...order.way, by } }),
}));

/** The ways of a host without a proxy and with one, for what stands above them; over https `node:net` hands on. */
export const HOST_WAYS = WAYS.filter(({ by }) => by !== 'node:http');

interface WireFixtures {
  /** Starts a server that is gone after the test. */
  readonly serve: (answer: WireAnswer) => Promise<HostileServer>;
}

/** A test with servers of its own, so that several can wait at the same time. */
export const wireTest = it.extend<WireFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  serve: async ({}, use) => {
    const running: HostileServer[] = [];
    await use(async (answer) => {
      const server = await new HostileServer(answer).listen();
      running.push(server);
      return server;
    });
    await Promise.all(running.map((server) => server.stop()));
  },
});
