import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { PROGRAM, runProgram } from '../support/host.ts';
import { hostTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const v1 = program('1');

describe.concurrent('the command line', () => {
  hostTest('says nothing on an idle tick, and one line a change', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const first = await host.run([]);
    const second = await host.run([]);
    expect(first.stdout).toMatch(
      /^app {2}updated {2}- -> [0-9a-f]{8} {2}was not installed; no service to restart \(\d+\.\d s\)\n$/,
    );
    expect([first.stderr, second.stdout, second.stderr]).toEqual(['', '', '']);
    expect([first.code, second.code]).toEqual([0, 0]);
  });

  hostTest('keeps what only the network decides to the log with --quiet', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    await host.server.stop();
    const ran = await host.run(['--quiet']);
    expect(ran).toMatchObject({ code: 69, stdout: '', stderr: '' });
    expect(host.log()).toContain('ECONNREFUSED');
  });

  hostTest('runs where what Node loads first has put a stdout of its own in place', async ({ host }) => {
    const hook = join(host.directory, 'hook.cjs');
    writeFileSync(
      hook,
      `const write = process.stdout.write.bind(process.stdout);
       const value = new (require('node:stream').Writable)({ write: (text, _, done) => write('> ' + text, done) });
       Object.defineProperty(process, 'stdout', { value, configurable: true, writable: true });`,
    );
    const ran = await host.run(['help', 'exit-codes'], { NODE_OPTIONS: `--require ${hook}` });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^> 0 .*done/) as string, stderr: '' });
  });

  hostTest('updates only the binaries that are named', async ({ host }) => {
    host.manages({ name: 'app', service: false }, { name: 'other', service: false });
    host.server.publish('app', v1);
    host.server.publish('other', v1);
    const ran = await host.tick(['app']);
    expect(ran.binaries.map(({ name }) => name)).toEqual(['app']);
    expect(existsSync(host.path('other'))).toBe(false);
  });

  hostTest('refuses what it does not know, with exit code 2', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    const stranger = await host.run(['run', 'apq']);
    expect(stranger).toMatchObject({ code: 2, stdout: '' });
    expect(stranger.stderr).toBe(
      `bin-proxy: no binary "apq" in the manifest\n${host.manifest} names app. Did you mean app?\n`,
    );
    for (const args of [['--nonsense'], ['app'], ['run', '--color', 'blue'], ['run', '--api']]) {
      expect(await host.run(args), args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    }
    const mistyped = await host.run(['plna']);
    expect(mistyped).toMatchObject({ code: 2, stdout: '' });
    expect(mistyped.stderr).toContain('unknown command; did you mean plan?');
  });

  hostTest('takes a flag before the environment, that before the file, that before the default', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const config = join(host.directory, 'own-config');
    writeFileSync(config, `export BIN_MANAGER_API="${host.server.api}"\nexport BIN_DIR='/from/file'\n`);
    const environment = { BIN_PROXY_CONFIG: config, BIN_MANAGER_API: '', BIN_DIR: '/from/environment' };
    const ran = await host.tick(['--bin-dir', host.binDir], environment);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(v1);
  });

  hostTest('names the problems of the settings all at once, with their places (exit code 78)', async ({ host }) => {
    const config = join(host.directory, 'own-config');
    writeFileSync(config, 'export BIN_DIR=bin\nBIN_PROXY_STABLE_SECONDS="soon"\nrm -rf /\nLOG_FILE="$HOME/x"\n');
    const ran = await host.run([], {
      BIN_PROXY_CONFIG: config,
      BIN_DIR: '',
      BIN_PROXY_STABLE_SECONDS: '',
      LOG_FILE: '',
    });
    expect(ran.code).toBe(78);
    expect(ran.stderr).toContain('the settings have 4 problems');
    expect(ran.stderr).toContain(`${config}:1:16  BIN_DIR: expected an absolute path, found "bin"`);
    expect(ran.stderr).toContain(`${config}:2:26  BIN_PROXY_STABLE_SECONDS: expected 1 to 3600 seconds, found "soon"`);
    expect(ran.stderr).toContain(`${config}:3:1  expected a line such as`);
    expect(ran.stderr).toContain(`${config}:4:10  LOG_FILE: "$HOME/x" would be computed by a shell`);
  });

  hostTest('sends the token to the API, and shows it nowhere (invariant 14)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const file = join(host.directory, 'token');
    writeFileSync(file, 'S3cret-token\n', { mode: 0o600 });
    const ran = await host.run(['-vv'], { BIN_MANAGER_TOKEN_FILE: file });
    expect(host.server.headers.every(({ authorization }) => authorization === 'Bearer S3cret-token')).toBe(true);
    const record = readFileSync(join(host.stateDir, 'binaries', 'app.json'), 'utf8');
    expect([ran.stdout, ran.stderr, host.log(), record].join('')).not.toContain('S3cret');
  });
});

describe.concurrent('secrets and rights', () => {
  hostTest('a check is not told the token (invariant 14)', async ({ host }) => {
    host.manages({
      name: 'app',
      service: false,
      check: ['sh', '-c', 'echo "token=$BIN_MANAGER_TOKEN" >&2; exit 1 #{file}'],
    });
    host.server.publish('app', v1);
    const ran = await host.run(['-vv'], { BIN_MANAGER_TOKEN: 'S3cret-token' });
    expect(ran.stdout).toContain('saying "token="');
    expect([ran.stdout, ran.stderr, host.log()].join('')).not.toContain('S3cret');
  });

  rootHostTest('whoever may not read the state is told so (exit code 77)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    await host.tick();
    chmodSync(host.directory, 0o755);
    const command = `node ${PROGRAM} plan`;
    const ran = await runProgram(
      'setpriv',
      ['--reuid=nobody', '--clear-groups', 'sh', '-c', command],
      host.environment(),
    );
    expect(ran).toMatchObject({ code: 77, stdout: '' });
    expect(ran.stderr).toMatch(/cannot read .*: EACCES.*\nRun as root\.\n$/s);
  });
});

describe.concurrent('a manifest', () => {
  hostTest('keeps its formatting and unknown keys when the digest is recorded', async ({ host }) => {
    const text =
      '{\n\t"site": "berlin",\n\t"binaries": [ {"name": "app", "service": false, "owner-team": [1,  2],\n\t\t"currentMd5": ""} ]\n}';
    writeFileSync(host.manifest, text);
    host.server.publish('app', v1);
    const ran = await host.run([]);
    expect(ran.code).toBe(0);
    expect(readFileSync(host.manifest, 'utf8')).toBe(text.replace('"currentMd5": ""', `"currentMd5": "${md5(v1)}"`));
    expect(host.log()).toContain(`${host.manifest}:2:2  site: unknown key, kept as it is`);
  });

  const broken = [
    { title: 'that is missing', text: undefined, says: 'there is no manifest at' },
    { title: 'that is empty', text: '', says: ':1:1  the file is empty' },
    { title: 'that is not JSON', text: '{"binaries": [}', says: ':1:15  not valid JSON' },
    {
      title: 'with names that would escape (invariant 10)',
      text: '{"binaries": [{"name": "../../etc/cron.d/x"}, {"name": "a", "service": "all"}, {"name": "b", "path": "/usr/../etc/x"}]}',
      says: 'has 3 problems',
    },
  ];
  for (const { title, text, says } of broken) {
    hostTest(`${title} is refused with exit code 78, and nothing is touched`, async ({ host }) => {
      if (text !== undefined) writeFileSync(host.manifest, text);
      const ran = await host.run([]);
      expect(ran).toMatchObject({ code: 78, stdout: '' });
      expect(ran.stderr).toContain(says);
      expect(host.server.requests).toEqual([]);
      expect(existsSync(host.stateDir)).toBe(false);
    });
  }

  hostTest('without binaries is nothing to do', async ({ host }) => {
    host.manages();
    expect(await host.run([])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});
