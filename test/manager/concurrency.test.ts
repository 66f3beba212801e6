import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { LockHolder } from '../platform/lock-holder.ts';
import { script, storeTest } from '../support/release-store.ts';

describe('publishers at the same time', () => {
  storeTest('all get in, one after the other', async ({ store }) => {
    const all = Array.from({ length: 8 }, (_, n) => ({ version: `1.${n}`, bytes: script(`release ${n}`) }));
    const names = ['app', 'other'];
    const ran = await Promise.all(
      all.map(({ version, bytes }, n) => store.publish(names[n % 2] ?? '', bytes, '--version', version)),
    );
    expect(ran.map(({ what }) => what)).toEqual(all.map(() => 'published'));
    for (const [n, { version, bytes }] of all.entries()) {
      expect(store.offered(names[n % 2] ?? '', version)).toEqual(bytes);
    }
    expect((await store.run('verify')).stdout).toBe('All bytes and all answers are as the catalog says.\n');
    const { stdout } = await store.run('list', '--json');
    const { binaries } = JSON.parse(stdout) as { binaries: { releases: { artifacts: { published: string }[] }[] }[] };
    const seconds = binaries.flatMap(({ releases }) =>
      releases.flatMap(({ artifacts }) => artifacts.map((a) => a.published)),
    );
    expect(new Set(seconds).size).toBe(8);
  });

  storeTest('of one version with other bytes: one gets it, the other is refused', async ({ store }) => {
    const [one, two] = [script('one'), script('two')];
    const ran = await Promise.all(
      [one, two].map((bytes) => store.run('publish', 'app', store.file(bytes), '--version', '1')),
    );
    expect(ran.map(({ code }) => code).sort()).toEqual([0, 20]);
    expect(store.offered('app', '1')).toEqual(ran[0]?.code === 0 ? one : two);
    expect(store.staged()).toEqual([]);
  });

  storeTest('wait for each other, say for whom, and not for ever', async ({ store }) => {
    await store.publish('app', script('one'));
    const holder = new LockHolder(join(store.store, 'lock'));
    try {
      expect(await holder.next()).toEqual({ held: true });
      const impatient = await store.run('publish', 'app', store.file(script('two')), '--wait', '1');
      expect(impatient.code).toBe(75);
      expect(impatient.stderr).toContain(`waiting for pid ${holder.pid} (`);
      expect(impatient.stderr).toContain(`the store is still being written by pid ${holder.pid} since `);
      expect(store.staged()).toEqual([]);
      const patient = store.run('publish', 'app', store.file(script('two')));
      while (store.staged().length === 0) await delay(20);
      holder.release();
      expect((await patient).code).toBe(0);
      expect(store.offered('app')).toEqual(script('two'));
    } finally {
      holder.signal('SIGKILL');
      await holder.ended();
    }
  });

  storeTest('never let a reader see half of a change', async ({ store }) => {
    const releases = Array.from({ length: 4 }, (_, n) => script(`release ${n}`));
    await store.publish('app', releases[0] ?? '', '--version', '0');
    let isDone = false;
    const publishing = (async () => {
      for (const [n, bytes] of releases.entries()) await store.publish('app', bytes, '--version', `1.${n}`);
      isDone = true;
    })();
    let looks = 0;
    for (; !isDone; looks++) {
      for (const address of ['bins/app', 'releases/stable/app/release.json', 'releases/latest/app/md5', 'index.json']) {
        expect(() => JSON.parse(store.answer(address) ?? '') as unknown).not.toThrow();
      }
      expect(releases).toContainEqual(store.bytes('releases/latest/app/download'));
      expect(store.index().binaries['app']).toBeDefined();
      await delay(1);
    }
    await publishing;
    expect(looks).toBeGreaterThan(50);
  });

  storeTest('do not make verify see problems that are none', async ({ store }) => {
    await store.publish('app', script('one'));
    const publishing = (async () => {
      for (let n = 0; n < 4; n++) await store.publish('app', script(`release ${n}`));
    })();
    for (let n = 0; n < 4; n++) expect((await store.run('verify')).stdout).toMatch(/^All bytes/);
    await publishing;
  });
});
