import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect } from 'vitest';
import { PROGRAM } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];

/** Somebody who is pinged, and what with: path and text of each. */
async function pinged() {
  const told: [path: string | undefined, body: string][] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      told.push([request.url, body]);
      response.end('OK');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { told, url: `http://127.0.0.1:${port}/check`, stop: () => server.close() };
}

describe.concurrent('beside a run', () => {
  hostTest('metrics are written when they change, and are what promtool understands', async ({ host }) => {
    const file = join(host.directory, 'bin-proxy.prom');
    const metrics = { BIN_PROXY_METRICS_FILE: file };
    host.manages({ name: 'app', service: false }, { name: 'gone', service: false });
    host.server.publish('app', v1);

    await host.tick([], metrics);
    const written = readFileSync(file, 'utf8');
    expect(written).toContain('bin_proxy_exit_code 20\n');
    expect(written).toContain('bin_proxy_binary_state{name="app",state="ok"} 1\n');
    expect(written).toContain('bin_proxy_binary_state{name="gone",state="missing"} 1\n');
    expect(written).toContain(`bin_proxy_binary_info{name="app",version="latest",digest="md5:${md5(v1)}"} 1\n`);
    expect(spawnSync('promtool', ['check', 'metrics'], { input: written, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(statSync(file).mode & 0o777).toBe(0o644);

    // The trouble is over: the tick that finds nothing to do says so, and the next one writes nothing.
    host.manages({ name: 'app', service: false });
    await host.tick([], metrics);
    expect(readFileSync(file, 'utf8')).toContain('bin_proxy_exit_code 0\n');
    utimesSync(file, 1, 1);
    await host.tick([], metrics);
    await host.tick(['app'], metrics);
    expect(statSync(file).mtimeMs).toBe(1_000);

    host.server.publish('app', v2);
    const unwritable = await host.tick([], { BIN_PROXY_METRICS_FILE: join(host.directory, 'nosuch', 'x.prom') });
    expect(unwritable.code).toBe(0);
    expect(host.log()).toMatch(/warn +cannot write the metrics \S+nosuch/);
  });

  hostTest('metrics tell of a run that ended before it could look', async ({ host }) => {
    const file = join(host.directory, 'bin-proxy.prom');
    const metrics = { BIN_PROXY_METRICS_FILE: file };
    const good = () => host.manages({ name: 'app', service: false });
    const bad = () => host.manages({ name: 'app', service: false, keep: 0 });
    host.server.publish('app', v1);

    bad();
    expect((await host.run(['run'], metrics)).code).toBe(78);
    const alone = readFileSync(file, 'utf8');
    expect(alone).toMatch(/^bin_proxy_build_info\{version="[^"]+"\} 1$/m);
    expect(alone).toMatch(/^bin_proxy_exit_code 78$/m);

    good();
    await host.tick([], metrics);
    const well = readFileSync(file, 'utf8');
    expect(well).toContain('bin_proxy_exit_code 0\n');
    bad();
    await host.run(['run'], metrics);
    expect(readFileSync(file, 'utf8')).toBe(well.replace('bin_proxy_exit_code 0', 'bin_proxy_exit_code 78'));
    utimesSync(file, 1, 1);
    await host.run(['run'], metrics);
    expect(statSync(file).mtimeMs).toBe(1_000);
  });

  hostTest('settings that are not valid are told of where whom to tell can be read', async ({ host }) => {
    const file = join(host.directory, 'bin-proxy.prom');
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    await host.tick([], { BIN_PROXY_METRICS_FILE: file });
    const config = join(host.directory, 'broken');
    const { told, url, stop } = await pinged();
    const lines = [`export BIN_PROXY_METRICS_FILE="${file}"`, `export BIN_PROXY_PING_URL="${url}"`, 'DIR = $(pwd)'];
    writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 });

    expect((await host.run(['run', '--config', config], { BIN_PROXY_STABLE_SECONDS: 'long' })).code).toBe(78);
    stop();
    expect(readFileSync(file, 'utf8')).toMatch(/^bin_proxy_exit_code 78$/m);
    expect(readFileSync(file, 'utf8')).toMatch(/^bin_proxy_binary_state\{name="app",state="ok"\} 1$/m);
    expect(told).toEqual([['/check/78', expect.stringContaining('the settings have 2 problems')]]);

    // One who may write the config file must not name a file that root writes.
    const victim = join(host.directory, 'victim');
    writeFileSync(config, `export BIN_PROXY_METRICS_FILE="${victim}"\n`);
    chmodSync(config, 0o666);
    const untrusted = await host.run(['run', '--config', config]);
    if (process.geteuid?.() === 0) expect([untrusted.code, existsSync(victim)]).toEqual([77, false]);

    // Where the whole file cannot be read there is still the environment.
    await host.run(['run', '--config', join(host.directory, 'nosuch')], { BIN_PROXY_METRICS_FILE: victim });
    expect(readFileSync(victim, 'utf8')).toMatch(/^bin_proxy_exit_code 78$/m);
  });

  hostTest('a ping tells of the beginning and the end, and changes nothing', async ({ host }) => {
    const told: string[] = [];
    let status = 200;
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        told.push(`${request.method} ${request.url} ${body}`.trim());
        response.writeHead(status).end('OK');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const ping = { BIN_PROXY_PING_URL: `http://127.0.0.1:${port}/geheim/` };
    try {
      host.manages({ name: 'app', service: false }, { name: 'gone', service: false });
      host.server.publish('app', v1);
      await host.tick([], ping);
      expect(told.splice(0)).toEqual([
        'POST /geheim/start',
        expect.stringMatching(
          /^POST \/geheim\/20 app: updated: not-installed: .*\ngone: failed: no-such-release: HTTP 404/,
        ),
      ]);
      host.manages({ name: 'app', service: false });
      await host.tick([], ping);
      await host.tick(['app'], ping);
      expect(told.splice(0)).toEqual(['POST /geheim/0']);

      host.manages({ name: 'app', service: false, keep: 0 });
      expect((await host.run(['run'], ping)).code).toBe(78);
      expect(told.splice(0)).toEqual([expect.stringMatching(/^POST \/geheim\/78 .* has 1 problem/)]);

      host.manages({ name: 'app', service: false });
      status = 404;
      expect(await host.run(['run'], ping)).toMatchObject({ code: 0, stdout: '', stderr: '' });
      server.close();
      server.closeAllConnections();
      expect(await host.run(['run'], ping)).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(host.log()).toMatch(/cannot ping http:\/\/127\.0\.0\.1:\d+: HTTP 404/);
      expect(host.log()).toMatch(/cannot ping http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
      expect(host.log()).not.toContain('geheim');
    } finally {
      server.close();
    }
  });

  hostTest('the journal gets the priority of each line, and no other stderr does', async ({ host }) => {
    host.manages({ name: 'gone', service: false });
    const said = async (name: string, stream: (own: string) => string): Promise<string> => {
      const file = join(host.directory, name);
      const stderr = openSync(file, 'w');
      const { dev, ino } = fstatSync(stderr, { bigint: true });
      const env = { ...host.environment(), JOURNAL_STREAM: stream(`${dev}:${ino}`) };
      for (const args of [
        ['run', '--quiet'],
        ['run', 'nosuch'],
      ]) {
        const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'ignore', stderr] });
        await once(child, 'close');
      }
      closeSync(stderr);
      return readFileSync(file, 'utf8');
    };
    const [warning, ...errors] = (await said('journal', (own) => own)).trim().split('\n');
    expect(warning).toMatch(/^<4>bin-proxy: gone: failed: HTTP 404/);
    expect(errors.length).toBeGreaterThan(1);
    expect(errors.filter((line) => !line.startsWith('<3>'))).toEqual([]);
    expect(await said('file', () => '1:1')).toMatch(/^bin-proxy: no binary "nosuch"/);
  });
});
