import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { VERSION } from '../../src/domain/version.ts';
import { has } from '../support/components.ts';
import { DebianHost, mayOverlay } from '../support/debian-host.ts';
import { type Host, runProgram } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { program } from '../support/program.ts';
import { printTable } from './table.ts';

const run = promisify(execFile);
const DEBIAN = new URL('../../.ci/package-deb.js', import.meta.url).pathname;
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

  hostTest(
    'is a Debian package that is installed, upgraded, removed and purged as any other',
    async ({ host, skip }) => {
      if (!mayOverlay) skip('no overlay can be mounted here');
      host.server.publish('app', program('1.0'));
      const [first, second] = await packages(executable, join(folder, 'deb'));
      const debian = await DebianHost.start(join(folder, 'debian'));
      try {
        expect(await debian.sh(`dpkg -i ${first} >/dev/null && dpkg -V bin-proxy`)).toEqual({ code: 0, output: '' });
        expect((await debian.sh('man -w bin-proxy bin-manifests; which bin-proxy')).output.split('\n')).toEqual([
          '/usr/share/man/man8/bin-proxy.8.gz',
          '/usr/share/man/man5/bin-manifests.5.gz',
          '/usr/bin/bin-proxy',
        ]);

        // From cron's file alone, in what cron gives a job.
        await debian.sh(`sed -i 's|http://localhost:8080/api/v1|${host.server.api}|' /etc/bin-proxy/config`);
        expect((await debian.sh('bin-proxy manifest add app --service false')).code).toBe(0);
        const ticked = await debian.sh(CRONS_JOB);
        expect(ticked).toEqual({ code: 0, output: expect.stringMatching(/^app {2}updated {2}- -> /) });

        // What was edited stays, and what is new lies beside it.
        const upgraded = await debian.sh(
          `dpkg --force-confold -i ${second} >/dev/null && dpkg -s bin-proxy | grep ^Version`,
        );
        expect(upgraded).toEqual({ code: 0, output: expect.stringMatching(/Using current old file.*Version: 99$/s) });
        expect((await debian.sh(`grep -c '${host.server.api}' /etc/bin-proxy/config`)).output).toBe('1');
        expect((await debian.sh('tail -n 1 /etc/bin-proxy/config.dpkg-dist')).output).toBe('# new in 99');
        expect((await debian.sh('bin-proxy status --json')).output).toContain('"state":"ok"');

        expect((await debian.sh('dpkg -r bin-proxy >/dev/null && test ! -e /usr/bin/bin-proxy')).code).toBe(0);
        expect(await debian.sh(CRONS_JOB)).toEqual({ code: 0, output: '' });
        expect((await debian.sh('ls /etc/bin-proxy /var/lib/bin-proxy')).output).toContain('bin-manifests.json');

        expect(
          (
            await debian.sh(
              'dpkg -P bin-proxy >/dev/null 2>&1; find /etc /var /usr -path "*bin-proxy*" -not -path "*/.bin-proxy/*"',
            )
          ).output,
        ).toBe('/usr/local/bin/.bin-proxy');
        expect((await debian.sh('/usr/local/bin/app & sleep 0.1; kill $!')).code).toBe(0);
      } finally {
        await debian.stop();
      }
    },
  );

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

/** As cron starts it, but at once: the splay is for many hosts. */
const CRONS_JOB = `env -i HOME=/root LOGNAME=root SHELL=/bin/sh \
  "$(grep ^PATH= /etc/cron.d/bin-proxy)" \
  sh -c "$(sed -n 's/^\\* \\* \\* \\* \\* root //p' /etc/cron.d/bin-proxy | sed s/SECONDS=50/SECONDS=0/)"`;

/** The package, and a later version of it with something new in its config file. Not compressed: that takes a minute. */
async function packages(executable: string, place: string): Promise<readonly [string, string]> {
  const { stdout } = await run(process.execPath, [DEBIAN, executable, place, '-Znone']);
  const [first = ''] = stdout.split(': ');
  const [tree, second] = [join(place, 'tree'), join(place, 'second.deb')];
  await run('dpkg-deb', ['-R', first, tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99'));
  appendFileSync(join(tree, 'etc/bin-proxy/config'), '# new in 99\n');
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '-b', tree, second]);
  return [first, second];
}

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
