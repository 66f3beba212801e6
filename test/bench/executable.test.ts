import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { VERSION } from '../../src/domain/version.ts';
import { has } from '../support/components.ts';
import { type Host, runProgram } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { program } from '../support/program.ts';
import { printTable } from './table.ts';

const run = promisify(execFile);
const PACKAGE = new URL('../../.ci/package.js', import.meta.url).pathname;
const ROUNDS = process.env['BENCH'] === 'all' ? 31 : 1;
/** What an update starts, and no node. */
const NO_NODE = '/nowhere';

describe.skipIf(!has('strip', 'flock', 'cc'))('the stand-alone executable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-executable-'));
  const executable = join(folder, 'bin-proxy');
  const start = (host: Host, ...args: readonly string[]) =>
    runProgram(executable, args, { ...host.environment(), PATH: NO_NODE });

  beforeAll(async () => {
    await run(process.execPath, [PACKAGE, executable]);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  hostTest('says what it is, without a node and without an environment', async () => {
    const version = await runProgram(executable, ['--version'], {});
    expect(version).toEqual({ code: 0, stdout: expect.stringMatching(`^bin-proxy ${VERSION} \\(node `), stderr: '' });
    const help = await runProgram(executable, ['--help'], {});
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('bin-proxy [COMMAND [NAME..]] [flags]');
    expect((await runProgram(executable, ['--nonsense'], {})).code).toBe(2);
  });

  hostTest('plans, updates a program and has nothing to do afterwards', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', program('1.0'));
    const planned = await start(host, 'plan');
    expect([planned.code, planned.stderr]).toEqual([0, '']);
    expect(planned.stdout).toMatch(/^\+ +app /m);
    const updated = await start(host, 'run');
    expect(updated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^app {2}updated/), stderr: '' });
    expect(host.installed('app').equals(program('1.0'))).toBe(true);
    expect(await start(host, 'run')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  hostTest('is at its first request as soon as a bare node would be', async ({ host }) => {
    const server = await listening();
    const port = String((server.address() as AddressInfo).port);
    host.manages({ name: 'app', service: false });
    await start(host, 'run');
    const environment = { ...host.environment(), BIN_MANAGER_API: `http://127.0.0.1:${port}/api/v1` };
    const bare = ['-e', `require('http').get('http://127.0.0.1:${port}/').on('error',()=>{})`];
    const times = { ours: [] as number[], bare: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      times.bare.push(await untilAsked(server, process.execPath, { args: bare, environment: { PATH: NO_NODE } }));
      times.ours.push(await untilAsked(server, executable, { args: [], environment }));
    }
    server.close();
    const [ours, node] = [middle(times.ours), middle(times.bare)];
    printTable('Stand-alone executable, wall time', ROUNDS, [
      {
        what: 'start to first request: ours / bare node',
        found: ours / node,
        reach: 1.1,
        from: `${ours.toFixed(1)} / ${node.toFixed(1)} ms`,
      },
    ]);
  });
});

/** A server that hangs up on whoever has asked. */
async function listening(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      server.emit('asked');
      socket.end('HTTP/1.1 404 Nothing\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function untilAsked(
  server: Server,
  file: string,
  { args, environment }: { readonly args: readonly string[]; readonly environment: Readonly<Record<string, string>> },
): Promise<number> {
  const begun = performance.now();
  const asked = once(server, 'asked').then(() => performance.now() - begun);
  const ended = runProgram(file, args, environment);
  const ms = await asked;
  await ended;
  return ms;
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
