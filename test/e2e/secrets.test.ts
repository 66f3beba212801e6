import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { good, HostileServer, head } from '../hostile/hostile-server.ts';
import { ForwardProxy } from '../support/forward-proxy.ts';
import type { Host, Ran } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

/** What nobody may read, in every spelling in which it travels. */
const SECRETS = {
  token: 'tok-hunter2',
  'password of the proxy': 'pw-hunter2',
  'user and password of the proxy, as sent': Buffer.from('ana:pw-hunter2').toString('base64'),
  'token of a signed address': 'sig-hunter2',
} as const;
const app = program('secret');
const digest = good(JSON.stringify({ code: 0, data: { md5: md5(app) } }));

interface Scene {
  readonly title: string;
  /** What the server says; every answer goes through the proxy. */
  readonly download: Buffer | string;
  readonly ask?: Buffer | string;
  readonly account?: string;
  readonly proxyIsGone?: 'yes';
  readonly scheme?: 'https';
  /** A word of the story, to be sure that the run failed as it should. */
  readonly told: RegExp;
}

const signed = (to: string) => head('302 Found', { location: `${to}?sig=${SECRETS['token of a signed address']}` });

const SCENES: readonly Scene[] = [
  { title: 'no trouble', download: good(app), told: /updated/ },
  { title: 'a wrong file', download: good('hello'), told: /digest-mismatch/ },
  { title: 'a cut transfer', download: head('200 OK', { 'content-length': 9 }), told: /download-failed/ },
  { title: 'an error of the server', download: head('500 No', { 'content-length': 0 }), told: /HTTP 500/ },
  {
    title: 'a signed address that is gone',
    download: signed('http://127.0.0.1:1/x'),
    told: /bad port|download-failed/,
  },
  { title: 'a signed address that nobody may follow', download: signed('ftp://h/x'), told: /redirects to a ftp:/ },
  { title: 'a signed address without end', download: signed('download'), told: /more than 5 redirects/ },
  { title: 'a server that wants another token', ask: head('401 No'), download: '', told: /HTTP 401/ },
  { title: 'no HTTP', ask: 'SSH-2.0-OpenSSH\r\n\r\n', download: '', told: /source-unreachable/ },
  { title: 'a proxy that wants another password', account: 'ana:other', download: '', told: /HTTP 407/ },
  { title: 'a tunnel that is refused', account: 'ana:other', scheme: 'https', download: '', told: /HTTP 407/ },
  { title: 'a proxy that is gone', proxyIsGone: 'yes', download: '', told: /cannot be reached/ },
];

/** Everything the program has left on the host, but for the files that hold its secrets on purpose. */
function written(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => !['config', 'token'].includes(name) && statSync(join(directory, name)).isFile())
    .map((name) => `${name}\n${readFileSync(join(directory, name), 'latin1')}`)
    .join('\n');
}

/** Where the secrets are: in a token file and in the config file, or all of them in the environment. */
function give(host: Host, proxyUrl: string, place: 'files' | 'environment'): Record<string, string> {
  if (place === 'environment') return { BIN_MANAGER_TOKEN: SECRETS.token, all_proxy: proxyUrl };
  const file = join(host.directory, 'token');
  writeFileSync(file, `${SECRETS.token}\n`, { mode: 0o600 });
  writeFileSync(
    join(host.directory, 'config'),
    `export BIN_MANAGER_TOKEN_FILE="${file}"\nexport all_proxy="${proxyUrl}"\n`,
    { mode: 0o600 },
  );
  // Node itself then tells every program that is started, with its arguments and its environment.
  return { NODE_DEBUG: 'child_process' };
}

/** Runs in every voice that the program has. */
async function everyVoice(host: Host, environment: Readonly<Record<string, string>>): Promise<readonly Ran[]> {
  return [
    await host.run(['plan', '-vv'], environment),
    await host.run(['plan', '--json'], environment),
    await host.run(['run', '-vv'], environment),
    await host.run(['run', '--json', '--force', '-vv'], environment),
  ];
}

describe.concurrent('no secret is written anywhere (invariant 14)', { timeout: 120_000 }, () => {
  for (const [index, scene] of SCENES.entries()) {
    const { title, download, ask = digest, account = `ana:${SECRETS['password of the proxy']}`, told } = scene;
    hostTest(`after ${title}`, async ({ host }) => {
      const server = await new HostileServer((socket, { path }) => {
        const what = path.split('?')[0]?.split('/').at(-1);
        if (what === 'index.json') socket.end(head('404 No', { 'content-length': 0 }));
        else socket.end(what === 'md5' ? ask : download);
      }).listen();
      const proxy = await new ForwardProxy({ account }).listen();
      const proxyUrl = proxy.url(`ana:${SECRETS['password of the proxy']}`);
      if (scene.proxyIsGone === 'yes') await proxy.stop();
      host.manages({ name: 'app', service: false });
      const api = `${scene.scheme ?? 'http'}://0.0.0.0:${server.port}/api/v1`;
      // A report has a voice of its own.
      const reporting = { BIN_MANAGER_API: api, BIN_PROXY_REPORT: 'on' };
      const environment = { ...reporting, ...give(host, proxyUrl, index % 2 === 0 ? 'files' : 'environment') };

      const runs = await everyVoice(host, environment);

      const everything = runs.map(({ stdout, stderr }) => stdout + stderr).join('\n') + written(host.directory);
      expect(everything).toMatch(told);
      for (const [what, secret] of Object.entries(SECRETS)) {
        expect([what, everything.includes(secret)]).toEqual([what, false]);
      }
      // They did travel: the test would be worth nothing if the program had never had them.
      const sent = JSON.stringify([server.requests, proxy.headers]);
      if (account !== 'ana:other' && scene.scheme === undefined && scene.proxyIsGone === undefined) {
        expect(sent).toContain(`Bearer ${SECRETS.token}`);
        expect(sent).toContain(SECRETS['user and password of the proxy, as sent']);
      }
      await Promise.all([server.stop(), scene.proxyIsGone === 'yes' ? undefined : proxy.stop()]);
    });
  }
});
