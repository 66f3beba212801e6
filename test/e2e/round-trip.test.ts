import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { ManagerServer } from '../support/manager-server.ts';
import { Nginx } from '../support/nginx.ts';
import { md5, program } from '../support/program.ts';
import { StoreFolder } from '../support/release-store.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];

interface Known {
  readonly name: string;
  readonly states: readonly string[];
  readonly binaries: readonly { readonly name: string; readonly version?: string; readonly reason?: string }[];
}

/** What the server knows of its only host. */
async function known({ api }: { readonly api: string }): Promise<Known> {
  const { nodes } = (await (await fetch(`${api}/nodes`)).json()) as { readonly nodes: readonly Known[] };
  const [host, ...others] = nodes;
  if (host === undefined || others.length > 0) throw new Error(`expected one host, found ${nodes.length}`);
  return host;
}

/** Publishes good, better and bad releases for a host, and takes the last one back. */
async function lives(host: Host, store: StoreFolder, server: { readonly api: string }): Promise<void> {
  const settings = { BIN_MANAGER_API: server.api };
  await store.publish('app', v1, '--version', '1.0');
  await host.runs('app', v1);
  host.manages('app');
  expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({ outcome: 'up-to-date' });

  await store.publish('app', v2, '--version', '2.0');
  expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({ outcome: 'updated', version: '2.0' });
  expect(host.installed('app')).toEqual(v2);

  await store.publish('app', bad, '--version', '3.0');
  expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({ outcome: 'rolled-back', version: '3.0' });
  expect(host.installed('app')).toEqual(v2);
}

describe.skipIf(!has('nginx'))('from a publisher to a host', () => {
  hostTest('and back to the page of the fleet, with bin-manager serve', async ({ host }) => {
    const store = new StoreFolder();
    await store.publish('other', v1, '--version', '0.1');
    const server = await ManagerServer.start(store);
    try {
      await lives(host, store, server);

      const told = await known(server);
      expect(told.states).toEqual(['rolled-back']);
      expect(told.binaries).toMatchObject([{ name: 'app', version: '2.0' }]);
      expect(told.binaries[0]?.reason).toContain('did-not-');
      const page = await (await fetch(server.origin)).text();
      expect(page).toContain(told.name);
      expect(page).toMatch(/rolled back/i);

      expect((await store.run('withdraw', 'app')).code).toBe(0);
      const settings = { BIN_MANAGER_API: server.api };
      expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({ outcome: 'up-to-date' });
      const metrics = await (await fetch(`${server.origin}/metrics`)).text();
      expect(metrics).toMatch(/^bin_manager_hosts\b.* 1$/m);
    } finally {
      await server.stop();
      store.remove();
    }
  });

  hostTest('with nginx on the same files: nothing is reported, and nothing else differs', async ({ host }) => {
    const store = new StoreFolder();
    await store.publish('other', v1, '--version', '0.1');
    const nginx = await Nginx.start(store.store);
    try {
      await lives(host, store, nginx);
      expect((await store.run('withdraw', 'app')).code).toBe(0);
      const ran = await host.tick([], { BIN_MANAGER_API: nginx.api });
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'up-to-date' });
      expect(md5(host.installed('app'))).toBe(md5(v2));
      expect(host.log()).not.toMatch(/report/);
    } finally {
      await nginx.stop();
      store.remove();
    }
  });
});
