import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Catalog } from '../../src/manager/catalog.ts';
import { StoreCatalogReader } from '../../src/manager/fleet/offers.ts';
import { ReleaseStore } from '../../src/manager/store.ts';
import { script, storeTest } from '../support/release-store.ts';

const [ONE, TWO] = [script('one'), script('two')];

describe('a catalog that is damaged', () => {
  storeTest('keeps nobody from changing other names, and its own goes on to be offered', async ({ store }) => {
    for (const name of ['app', 'broken']) {
      await store.publish(name, ONE, '--version', '1');
      await store.publish(name, TWO, '--version', '2', '--deltas', '0');
    }
    const file = join(store.store, 'catalog/broken.json');
    const sound = readFileSync(file, 'utf8');
    const offered = store.index().binaries['broken'];
    const reader = new StoreCatalogReader(new ReleaseStore(store.store), () => {});
    await reader.read();
    writeFileSync(file, sound.slice(0, 100));

    const warning = 'bin-manager: warning: catalog/broken.json is damaged, what broken offers stays as it was';
    const withdrawn = await store.run('withdraw', 'app', '2');
    const published = await store.run('publish', 'app', store.file(script('three')), '--version', '3', '--deltas', '0');
    const promoted = await store.run('promote', 'app', '1', '--channel', 'beta');
    for (const { code, stderr } of [withdrawn, published, promoted]) {
      expect([code, stderr.startsWith(warning)]).toEqual([0, true]);
    }
    expect([store.offered('app'), store.offered('app', 'beta'), store.offered('broken')]).toEqual([
      script('three'),
      ONE,
      TWO,
    ]);
    expect(store.index().binaries).toMatchObject({ app: { channels: { stable: { version: '3' } } }, broken: offered });
    // The fleet is compared with what is new of the others.
    const offers = await reader.read();
    expect([...offers.values()].map(({ name, offers: [first] }) => [name, first?.version])).toEqual([
      ['app', '3'],
      ['broken', '2'],
    ]);

    // Its own name is refused, and so is whatever must know what it needs.
    for (const args of [
      ['publish', 'broken', store.file(ONE), '--version', '3'],
      ['withdraw', 'broken'],
      ['prune', '--keep', '1'],
      ['export', join(store.directory, 'export')],
    ]) {
      const { code, stderr } = await store.run(...args);
      expect([args[0], code, stderr]).toEqual([
        args[0],
        78,
        expect.stringContaining('broken.json cannot be understood'),
      ]);
    }
    const list = await store.run('list');
    expect([list.code, list.stdout.includes('app'), list.stderr]).toEqual([
      78,
      true,
      expect.stringContaining('broken.json cannot be understood'),
    ]);
    const verified = await store.run('verify', '--repair');
    expect([verified.code, verified.stdout]).toEqual([
      78,
      expect.stringMatching(
        /^catalog\/broken\.json: .*cannot be understood.*\n1 problem\. Mend the catalog, or bring it/,
      ),
    ]);
    expect(store.offered('broken')).toEqual(TWO);

    expect(readFileSync(file, 'utf8')).toBe(sound.slice(0, 100));
    writeFileSync(file, sound);
    expect((await store.run('withdraw', 'broken')).stderr).toBe('');
    expect([store.offered('broken'), (await store.run('verify')).code]).toEqual([ONE, 0]);
  });

  storeTest('of a change that was not ended waits for its own name to be mended', async ({ store }) => {
    for (const name of ['app', 'broken']) await store.publish(name, ONE, '--version', '1');
    const former = join(store.store, 'unsettled/broken.json');
    const before: Omit<Catalog, 'name'> = { releases: [], channels: [] };
    writeFileSync(former, '{');
    const refused = await store.run('publish', 'broken', store.file(TWO), '--version', '2');
    expect([refused.code, refused.stderr]).toEqual([78, expect.stringContaining('unsettled/broken.json cannot be')]);
    const other = await store.run('publish', 'app', store.file(TWO), '--version', '2', '--deltas', '0');
    expect([other.code, other.stderr]).toEqual([
      0,
      'bin-manager: warning: unsettled/broken.json is damaged, what broken offers stays as it was: ' +
        '"bin-manager verify" says more\n',
    ]);
    expect([store.offered('app'), store.offered('broken')]).toEqual([TWO, ONE]);
    writeFileSync(former, JSON.stringify({ schema: 'bin-manager/catalog/1', name: 'broken', ...before }));
    expect((await store.run('publish', 'broken', store.file(TWO), '--version', '2')).code).toBe(0);
    expect([store.offered('broken'), (await store.run('verify')).code]).toEqual([TWO, 0]);
  });

  storeTest('of a change that was not ended goes, and with it what it alone knew to be unwanted', async ({ store }) => {
    for (const version of ['1', '2']) {
      await store.publish('broken', script(version), '--version', version, '--deltas', '0');
    }
    // As a withdrawal leaves it that is killed when its catalog is written, and whose former one a disk has eaten.
    const pointer = join(store.store, 'api/v1/releases/2/broken');
    const target = readlinkSync(pointer);
    await store.run('withdraw', 'broken', '2');
    mkdirSync(dirname(pointer), { recursive: true });
    symlinkSync(target, pointer);
    const former = join(store.store, 'unsettled/broken.json');
    writeFileSync(former, '{');

    const told = await store.run('verify', '--repair');
    expect([told.code, told.stdout]).toEqual([
      78,
      expect.stringMatching(
        /^unsettled\/broken\.json: a change was not ended, and .* damaged: .*broken\.json cannot be understood: not valid JSON/,
      ),
    ]);
    expect(told.stdout).toContain('Remove unsettled/broken.json, and then "bin-manager verify --repair" makes');
    rmSync(former);
    expect((await store.run('verify', '--repair')).code).toBe(0);
    expect([existsSync(pointer), store.offered('broken')]).toEqual([false, script('1')]);
    expect((await store.run('publish', 'broken', store.file(TWO), '--version', '3')).code).toBe(0);
  });
});
