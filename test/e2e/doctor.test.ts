import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { shipped } from '../config/shipped.ts';
import { callsOf, MUTATING } from '../crash/strace.ts';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { type Host, PROGRAM, runProgram } from '../support/host.ts';
import { hostTest, mountTest, rootHostTest } from '../support/host-test.ts';
import { differences } from '../support/json-docs.ts';
import { program } from '../support/program.ts';

interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail' | 'skip';
  readonly text: string;
  readonly advice?: string;
}

/** Settings in a file, as cron would have them, and none in the environment. */
function configure(host: Host): Record<string, string> {
  const { PATH: _, BIN_PROXY_CONFIG: file = '', ...settings } = host.environment();
  const lines = Object.entries(settings).map(([variable, value]) => `export ${variable}="${value}"`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return Object.fromEntries(Object.keys(settings).map((variable) => [variable, '']));
}

async function examined(host: Host, more: Readonly<Record<string, string>> = {}) {
  const ran = await host.run(['doctor', '--json'], more);
  const document = JSON.parse(ran.stdout) as { readonly schema: string; readonly checks: readonly Finding[] };
  expect(differences(document)).toEqual([]);
  const of = (check: string) => document.checks.filter((one) => one.check === check);
  return { code: ran.code, findings: document.checks, of };
}

/** As openssl writes it: so many days from now. */
function soon(days: number): string {
  const time = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${time.replaceAll(/[-:T]|\..*/g, '')}Z`;
}

/** A place of its own for what root alone may write: cron's folder, logrotate's, and a cron that runs. */
const OWN_ETC = `
  mount --bind "$1/cron.d" /etc/cron.d && mount --bind "$1/logrotate.d" /etc/logrotate.d &&
  mount --bind "$1/log" /var/log && mount --bind /dev/null /etc/crontab && mount -t tmpfs tmpfs /var/spool/cron && mount -t tmpfs tmpfs /run || exit 99
  shift; cron -f & n=0; until [ "$(cat /proc/$!/comm)" = cron ] || [ $((n += 1)) -gt 100 ]; do sleep 0.05; done
  "$@"; code=$?; kill $!; exit $code`;

describe.skipIf(!has('cron', 'strace')).concurrent('bin-proxy doctor', () => {
  mountTest('finds nothing to mend on a host that is set up as the README says', async ({ host }) => {
    host.manages('app');
    await host.runs('app', program('1'));
    host.server.publish('app', program('1'));
    host.server.offersIndex();
    const nothing = configure(host);
    const etc = join(host.directory, 'etc');
    for (const folder of ['bin', 'etc', 'etc/cron.d', 'etc/logrotate.d', 'etc/log'])
      mkdirSync(join(host.directory, folder), { recursive: true });
    const ours = join(host.directory, 'usr');
    mkdirSync(ours);
    symlinkSync(PROGRAM, join(ours, 'bin-proxy'));
    writeFileSync(
      join(etc, 'cron.d/bin-proxy'),
      shipped('config/bin-proxy.cron').replace(' bin-proxy run', ` ${ours}/bin-proxy run`),
    );
    writeFileSync(
      join(etc, 'logrotate.d/bin-proxy'),
      shipped('config/bin-proxy.logrotate').replace('/var/log/bin-proxy.log', host.logFile),
    );
    const time = new Date(Date.now() - 60_000).toISOString().replace('Z', '000+00:00');
    const line = `${time} web-1 CRON[77]: (root) CMD (BIN_PROXY_SPLAY_SECONDS=50 bin-proxy run --quiet)\n`;
    writeFileSync(join(etc, 'log/syslog'), `${line}${time} web-1 CRON[78]: (root) CMD (backup)\n`);
    host.launcher = ['unshare', '-m', 'sh', '-c', OWN_ETC, 'sh', etc];

    const { code, findings, of } = await examined(host, nothing);

    const path = join(host.directory, 'config');
    expect(findings.filter(({ verdict }) => verdict === 'warn' || verdict === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(of('config')).toEqual([expect.objectContaining({ verdict: 'ok', text: `${path}: valid, 8 settings` })]);
    expect(of('supervisor')).toEqual([expect.objectContaining({ text: 'answers, and knows 1 service' })]);
    expect(of('releases')).toEqual([expect.objectContaining({ text: 'offers 1 of 1 binaries' })]);
    expect(of('last run')).toMatchObject([{ verdict: 'ok', text: expect.stringMatching(/^began [12]m ago$/) }]);
    expect(of('schedule')).toEqual([
      expect.objectContaining({ verdict: 'ok', text: '"* * * * *" (/etc/cron.d/bin-proxy)' }),
    ]);

    // What cron would not tell anybody: a dot in the name of its file, and a server whose clock is another.
    host.launcher = [
      'unshare',
      '-m',
      'sh',
      '-c',
      OWN_ETC.replace('shift', 'mv /etc/cron.d/bin-proxy /etc/cron.d/bin-proxy.cron; shift'),
      'sh',
      etc,
    ];
    host.server.answer('/index.json', (_, response) => {
      response.setHeader('date', new Date(Date.now() + 90_000).toUTCString());
      response.writeHead(404).end();
    });
    const ill = await examined(host, nothing);
    expect(ill.code).toBe(1);
    expect(ill.of('schedule')).toEqual([
      expect.objectContaining({ verdict: 'fail', text: expect.stringContaining('its name has a dot in it') }),
    ]);
    expect(ill.of('clock')).toEqual([
      expect.objectContaining({
        verdict: 'warn',
        text: expect.stringMatching(/^this host is 1m behind the server$/),
      }),
    ]);
  });

  hostTest(
    'says of everything that fails what to do, and ends in spite of a server that says nothing',
    async ({ host }) => {
      host.manages('app', { name: 'other', service: 'nobody' }, { name: 'foreign', service: false });
      await host.runs('app', program('1'));
      host.install('other', Buffer.from('neither program nor script'));
      mkdirSync(host.path('foreign'));
      host.server.answer('/index.json', () => {});
      mkdirSync(host.stateDir);
      writeFileSync(join(host.stateDir, 'journal.json'), '{');

      const { code, findings, of } = await examined(host);

      expect(code).toBe(1);
      expect(findings.filter(({ verdict, advice }) => verdict === 'fail' && (advice ?? '') === '')).toEqual([]);
      expect(of('server')).toMatchObject([
        { verdict: 'fail', text: expect.stringContaining('no complete answer from') },
      ]);
      expect(of('supervisor')).toMatchObject([{ verdict: 'fail', text: 'it knows no program "nobody"' }]);
      expect(of('targets').map(({ verdict, text }) => `${verdict} ${text}`)).toEqual([
        expect.stringMatching(/^fail other: .* cannot run here: expected an ELF program or "#!"/),
        expect.stringMatching(/^fail foreign: expected a regular file at /),
      ]);
      expect(of('state')).toMatchObject([{ verdict: 'warn', text: expect.stringContaining('the journal is damaged') }]);
      expect(of('config')).toMatchObject([
        { verdict: 'ok' },
        { verdict: 'warn', text: expect.stringContaining('BIN_DIR') },
      ]);

      const text = await host.run(['doctor', '--quiet', '--color', 'never']);
      expect(text.stdout).toMatch(/^\[fail\] {2}supervisor +it knows no program "nobody"\n {10}Is it in /m);
      expect(text.stdout).not.toContain('[ok]');
    },
  );

  hostTest(
    'looks no further where the settings are invalid, and at all else where the manifest is',
    async ({ host }) => {
      writeFileSync(host.manifest, '{"binaries": [{"name": 1}]}');
      const invalid = await examined(host, { BIN_DIR: 'bin' });
      expect([invalid.code, invalid.findings.map(({ check, verdict }) => `${check} ${verdict}`)]).toEqual([
        1,
        ['config fail', 'all else skip'],
      ]);
      const { of } = await examined(host);
      expect(of('manifest')).toMatchObject([
        { verdict: 'fail', text: expect.stringContaining(':1:24  binaries[0].name') },
      ]);
      expect(of('lock')).toMatchObject([{ verdict: 'ok' }]);
    },
  );

  // Whoever mounts or unmounts a busy disk can keep the list of mounts from everybody else for longer than doctor waits.
  mountTest(
    'sees what keeps an update from going live, and a certificate that ends',
    { retry: 2 },
    async ({ host, mounts }) => {
      const authority = new Authority();
      const identity = authority.issue({ dates: ['20200101000000Z', soon(3)] });
      const server = createServer(identity, (_, response) => response.writeHead(404).end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      host.manages({
        name: 'app',
        service: false,
        path: join(mounts.tmpfs(join(host.directory, 'own'), 'size=1m,noexec'), 'app'),
      });

      const { code, of } = await examined(host, {
        BIN_MANAGER_API: `https://127.0.0.1:${port}/api/v1`,
        BIN_PROXY_CA_FILE: authority.certFile,
      });
      server.close();
      authority.remove();

      expect(code).toBe(1);
      expect(of('targets')).toMatchObject([
        { verdict: 'fail', text: expect.stringMatching(/^app: \S+\/own is mounted noexec$/) },
      ]);
      expect(of('certificate')).toMatchObject([
        { verdict: 'warn', text: expect.stringMatching(/^that of server-1 ends on .*, in [23] days$/) },
      ]);
      expect(of('server')).toMatchObject([{ verdict: 'ok' }]);
      expect(of('disk')).toEqual(expect.arrayContaining([expect.objectContaining({ verdict: 'ok' })]));
    },
  );

  rootHostTest('finds the address of a ping that others may read', async ({ host }) => {
    const config = join(host.directory, 'config');
    writeFileSync(config, 'export BIN_PROXY_PING_URL=https://ping.example/hunter2\n', { mode: 0o644 });
    host.manages({ name: 'app', service: false });
    const secret = `${config} holds a secret, and others than its owner may read it`;
    const open = await host.run(['doctor'], { BIN_PROXY_CONFIG: config });
    expect(open.stdout).toContain(secret);
    expect(open.stdout).not.toContain('hunter2');
  });

  rootHostTest('says to whoever is not root what it could not see', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    mkdirSync(host.stateDir, { mode: 0o700 });
    chmodSync(host.directory, 0o755);
    const asNobody = ['--reuid=nobody', '--clear-groups', process.execPath, PROGRAM, 'doctor'];
    const ran = await runProgram('setpriv', asNobody, host.environment());
    expect(ran.stdout).toMatch(/^\[skip\] {2}rights +whom the files belong to matters to root alone/m);
    expect(ran.stdout).toMatch(/^\[skip\] {2}state +cannot read .*; run as root/m);
    expect(ran.stderr).toBe('');
  });

  hostTest('writes nothing, and makes no file', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', program('1'));
    const scene = { environment: (more: Readonly<Record<string, string>>) => host.environment(more) };
    const trace = [...MUTATING, 'open', 'openat', 'creat'];
    const calls = await callsOf(scene, { args: ['doctor'], settings: {}, trace });
    const writing = calls.filter(
      ({ call, line }) => !call.startsWith('open') || /O_CREAT|O_WRONLY|O_RDWR|O_TRUNC/.test(line),
    );
    expect(writing.filter(({ line }) => !line.includes('"/dev/')).map(({ line }) => line)).toEqual([]);
    rmSync(host.manifest);
  });
});
