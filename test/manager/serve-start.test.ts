import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { ManagerServer, READER, tokenFile } from '../support/manager-server.ts';
import { rootStoreTest, type StoreFolder, script, storeTest } from '../support/release-store.ts';

const HOOK = fileURLToPath(new URL('../e2e/loaded.cjs', import.meta.url));

/** The packages that a command has loaded a part of; every chunk names the modules that it is made of. */
async function packagesOf(store: StoreFolder, ...args: readonly string[]): Promise<ReadonlySet<string>> {
  const list = join(store.directory, 'loaded.json');
  const program = ['env', `NODE_OPTIONS=--require=${HOOK}`, `LOADED=${list}`, process.execPath, store.program];
  await store.runWith({ args, program });
  const files = (JSON.parse(readFileSync(list, 'utf8')) as readonly string[]).filter((file) => file.endsWith('.cjs'));
  const names = files.flatMap((file) => [
    ...readFileSync(file, 'utf8').matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm),
  ]);
  return new Set(names.map(([, name = '']) => name));
}

describe('bin-manager serve', () => {
  storeTest('is one clear error where it cannot listen, or must not trust a file', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    const server = await ManagerServer.start(store);
    try {
      const { host } = new URL(server.origin);
      const taken = await store.run('serve', '--listen', host);
      expect([taken.code, taken.stdout, taken.stderr]).toEqual([
        20,
        '',
        `bin-manager: cannot listen on ${host}: listen EADDRINUSE: address already in use ${host}\n` +
          'Another program listens there: stop it, or choose another --listen.\n',
      ]);
    } finally {
      await server.stop();
    }
    const tokens = tokenFile(store);
    chmodSync(tokens, 0o644);
    const open = await store.run('serve', '--listen', '127.0.0.1:0', '--token-file', tokens);
    expect([open.code, open.stderr]).toEqual([
      20,
      expect.stringMatching(
        /^bin-manager: \S+tokens: expected a file that others cannot read .*, found mode 0644\nSee "Tokens"/,
      ),
    ]);
    const untold = await store.run('serve', '--trust-proxy', 'localhost');
    expect([untold.code, untold.stderr]).toEqual([
      2,
      expect.stringContaining('--trust-proxy: expected addresses such as'),
    ]);
  });

  rootStoreTest('says who may listen on a privileged port', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    chmodSync(store.directory, 0o755);
    // A network of its own, in which the kernel guards these ports as it does by default.
    const alone = ['unshare', '--net', 'setpriv', '--reuid=65534', '--clear-groups', process.execPath, store.program];
    const ran = await store.runWith({ args: ['serve', '--listen', '0.0.0.0:80', '--no-reports'], program: alone });
    expect([ran.code, ran.stderr]).toEqual([
      20,
      'bin-manager: cannot listen on 0.0.0.0:80: listen EACCES: permission denied 0.0.0.0:80\n' +
        'Ports below 1024 need a right of their own (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose another --listen.\n',
    ]);
  });

  storeTest('outlives made-up hosts that want more memory than there is', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    const server = await ManagerServer.startWith(['--max-old-space-size=48'], store, []);
    try {
      // 46 MiB of blanks after names: V8 would keep them all for the sake of the names.
      const blanks = ' '.repeat(240_000);
      const hosts = Array.from({ length: 200 }, (_, host) =>
        JSON.stringify({ node_id: `made-up-host-${host}${blanks}` }),
      );
      const tell = (body: string) => fetch(`${server.api}/keepalive`, { method: 'POST', body });
      for (let next = 0; next < hosts.length; next += 10) {
        const answers = await Promise.all(hosts.slice(next, next + 10).map(tell));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      }
      expect(await (await fetch(`${server.origin}/health`)).json()).toMatchObject({ nodes_count: 200 });
    } finally {
      expect((await server.stop()).code).toBe(0);
    }
  });

  storeTest('believes X-Forwarded-For from nobody but those that it is told', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    const addressesWith = async (...args: readonly string[]) => {
      const server = await ManagerServer.start(
        store,
        '--token-file',
        tokenFile(store, `hosts report ${READER}`),
        ...args,
      );
      const headers = { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' };
      // Before Fastify, by it, and refused by it.
      const api = server.api.replace('[::]', '127.0.0.1');
      for (const path of ['index.json', 'nodes', 'keepalive']) await fetch(`${api}/${path}`, { headers });
      const { stdout } = await server.stop();
      return stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { address: string }).address);
    };
    expect(await addressesWith()).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    const told = '203.0.113.9';
    expect(await addressesWith('--trust-proxy', '192.0.2.1,127.0.0.0/8')).toEqual([told, told, told]);
    // A socket for both families names those who come by IPv4 otherwise.
    expect(await addressesWith('--listen', '[::]:0')).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    expect(await addressesWith('--listen', '[::]:0', '--trust-proxy', '127.0.0.1')).toEqual([told, told, told]);
  });

  storeTest('is the only command that loads Fastify', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    writeFileSync(join(store.directory, 'bad'), 'x', { mode: 0o600 });
    const commands = [
      ['publish', 'app', store.file(script('two')), '--version', '2'],
      ['list'],
      ['promote', 'app', '1'],
      ['verify'],
      ['export', join(store.directory, 'export')],
    ];
    for (const args of commands) {
      const packages = await packagesOf(store, ...args);
      expect([args[0], packages.has('yargs'), packages.has('fastify')]).toEqual([args[0], true, false]);
    }
    const serving = await packagesOf(store, 'serve', '--token-file', join(store.directory, 'bad'));
    expect(serving).toContain('fastify');
  });
});
