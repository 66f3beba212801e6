import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { deltaName } from '../../src/manager/deltas.ts';
import { has } from '../support/components.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { hasNewerNodes, NEWER_NODES, newerNode } from '../support/newer-nodes.ts';
import { Nginx } from '../support/nginx.ts';
import { program, sha256 } from '../support/program.ts';
import { StoreFolder } from '../support/release-store.ts';

/** A native program, and behind it what no compressor makes smaller, but for what it shares with the other version. */
function build(version: string): Buffer {
  const text = program(version);
  let state = 1;
  const noise = Array.from({ length: 200_000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  const trailer = text.subarray(text.length - 256);
  return Buffer.concat([text.subarray(0, text.length - 256), Buffer.from(noise), trailer]);
}

const [V1, V2] = [build('1'), build('2')];

/** Makes bytes of a store other ones, of the same length. */
function damage(store: StoreFolder, address: string): void {
  const file = join(store.store, 'api/v1', address);
  const bytes = readFileSync(file);
  chmodSync(file, 0o644);
  writeFileSync(file, bytes.fill(0, bytes.length >> 1));
}

describe.skipIf(!has('nginx', 'zstd') || !hasNewerNodes())('a host of a store with deltas', () => {
  /** A host that runs the first version as a service, and the real nginx with the second. */
  async function prepared(host: Host): Promise<{ readonly store: StoreFolder; readonly end: () => Promise<void> }> {
    const store = new StoreFolder();
    await store.publish('app', V1, '--version', '1');
    await store.publish('app', V2, '--version', '2');
    const nginx = await Nginx.start(store.store);
    host.api = nginx.api;
    await host.runs('app', V1);
    host.manages('app');
    const end = async () => {
      await nginx.stop();
      store.remove();
    };
    return { store, end };
  }

  hostTest.for(NEWER_NODES)('is updated by the delta alone, on Node %i', async (major, { host }) => {
    const { store, end } = await prepared(host);
    try {
      // Whoever fetches the whole file finds that it is another one.
      damage(store, `artifacts/${sha256(V2)}`);
      host.node = newerNode(major);
      const ran = await host.tick();
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', version: '2' });
      expect(host.installed('app').equals(V2)).toBe(true);
      expect(await host.runsInstalled('app')).toBe(true);
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'up-to-date' });
      expect((await host.run(['verify'])).code).toBe(0);
    } finally {
      await end();
    }
  });

  hostTest('is updated by the whole file where the delta is damaged, and its log says so', async ({ host }) => {
    const { store, end } = await prepared(host);
    try {
      damage(store, `deltas/${sha256(V2)}/${deltaName(sha256(V1))}`);
      host.node = newerNode(24);
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', version: '2' });
      expect(host.installed('app').equals(V2)).toBe(true);
      expect(host.log()).toMatch(/app: the delta to the former file is of no use: .*; downloading the whole file/);
      expect(host.leftovers()).toEqual([]);
    } finally {
      await end();
    }
  });

  hostTest('is updated by the whole file on a Node that knows no deltas', async ({ host }) => {
    const { store, end } = await prepared(host);
    try {
      damage(store, `deltas/${sha256(V2)}/${deltaName(sha256(V1))}`);
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', version: '2' });
      expect(host.installed('app').equals(V2)).toBe(true);
    } finally {
      await end();
    }
  });
});
