import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { Keeper } from '../../src/manager/fleet/keeper.ts';
import { newHost } from '../../src/manager/fleet/listen.ts';
import { BOUNDS, Registry } from '../../src/manager/fleet/registry.ts';
import { readState } from '../../src/manager/fleet/state-file.ts';
import { has, isRoot } from '../support/components.ts';
import { DAY, type FleetFolder, fleetTest, NOW } from '../support/fleet.ts';
import { FleetServer } from '../support/fleet-server.ts';
import { storeTest } from '../support/release-store.ts';

/** Hosts in memory, and what keeps them on disk; `begin` is also the way not to wait for its next write. */
function keptHosts({ nodes, told }: FleetFolder): { readonly hosts: Registry; readonly keeper: Keeper } {
  const hosts: Registry = new Registry(BOUNDS, (change) => keeper.note(change));
  const keeper = new Keeper(nodes, { hosts: () => hosts.hosts(), tell: (text) => told.push(text), bounds: BOUNDS });
  return { hosts, keeper };
}

function report(hosts: Registry, id: string, time: number): void {
  hosts.put(newHost(id, id, time), 'changed');
}

async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !what(); await delay(20)) {
    if (performance.now() > end) throw new Error('it did not come to be');
  }
}

/** Forgets every host but those of the last thirty days. */
const LATER = NOW + 31 * DAY;

const TROUBLE = expect.stringContaining('cannot be kept on disk');
const AGAIN = 'what hosts report is kept on disk again';

describe('a host that is forgotten', () => {
  fleetTest('while all hosts are written anew does not come back with what was written', async ({ folder }) => {
    const { hosts, keeper } = keptHosts(folder);
    writeFileSync(folder.nodes, 'a file');
    for (let host = 0; host < 1000; host++) report(hosts, `gone-${host}`, NOW);
    report(hosts, 'here', LATER);
    await keeper.begin();
    rmSync(folder.nodes);
    const written = keeper.begin();
    const names = () => (existsSync(folder.nodes) ? readdirSync(folder.nodes) : []);
    while (names().length === 0) await turn();
    // What is written from now on was decided before.
    expect(names()).toEqual([expect.stringMatching(/\.tmp$/)]);
    hosts.expire(LATER);
    await written;
    await keeper.close();
    const { hosts: left } = await readState(join(folder.nodes, 'hosts.jsonl'), BOUNDS);
    expect(left.map(({ id }) => id)).toEqual(['here']);
    expect([folder.told, keeper.standing.unsaved]).toEqual([[TROUBLE, AGAIN], 0]);
  });

  for (const way of ['a retry', 'a stop'] as const) {
    fleetTest(`is not on disk after ${way}, also where nothing else is to be written`, async ({ folder }) => {
      const { hosts, keeper } = keptHosts(folder);
      const file = join(folder.nodes, 'hosts.jsonl');
      await keeper.begin();
      report(hosts, 'gone', NOW);
      await keeper.begin();
      expect(readFileSync(file, 'utf8')).toContain('gone');

      const aside = join(folder.directory, 'aside');
      renameSync(folder.nodes, aside);
      writeFileSync(folder.nodes, 'a file');
      hosts.expire(LATER);
      await keeper.begin();
      expect(folder.told).toEqual([TROUBLE]);
      rmSync(folder.nodes);
      renameSync(aside, folder.nodes);

      if (way === 'a stop') await keeper.close();
      await until(() => folder.told.length > 1);
      expect([folder.told, readFileSync(file, 'utf8').includes('gone')]).toEqual([[TROUBLE, AGAIN], false]);
      await keeper.close();
    });
  }
});

describe.skipIf(isRoot && !has('setpriv'))('a state file whose directory cannot be synced', () => {
  // Root reads every directory, but for a capability.
  const through = isRoot ? ['setpriv', '--inh-caps=-all', '--bounding-set=-dac_override,-dac_read_search'] : [];

  storeTest('is in its place all the same, and no other server is blamed', async ({ store }) => {
    const nodes = join(store.store, 'nodes');
    const file = join(nodes, 'hosts.jsonl');
    mkdirSync(nodes, { recursive: true });
    const server = await FleetServer.start(store.store, through);
    // It may be written and entered, and not be opened.
    chmodSync(nodes, 0o300);
    rmSync(file);
    await server.post('/keepalive', { node_id: 'a' });
    await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('"a"'));
    await server.post('/keepalive', { node_id: 'b' });
    await server.stop('SIGTERM');
    chmodSync(nodes, 0o700);
    expect(server.said.trim().split('\n')).toEqual([expect.stringContaining('cannot be kept on disk')]);
    expect((await readState(file, BOUNDS)).hosts.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});
