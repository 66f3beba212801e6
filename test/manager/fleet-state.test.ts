import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { BinaryName } from '../../src/domain/names.ts';
import type { Fleet } from '../../src/manager/fleet/fleet.ts';
import { HOST_LIMITS, type Host } from '../../src/manager/fleet/host.ts';
import { BOUNDS, boundsFor } from '../../src/manager/fleet/registry.ts';
import { readState } from '../../src/manager/fleet/state-file.ts';
import { lengthOf, weightOf } from '../../src/manager/fleet/weight.ts';
import { sendTrouble } from '../../src/manager/server/trouble.ts';
import { DAY, digest, fleetTest, HOUR, MINUTE, NOW } from '../support/fleet.ts';
import { FleetServer } from '../support/fleet-server.ts';
import { fill, Mounts, makeRoom, mayMount } from '../support/mounts.ts';
import { storeTest } from '../support/release-store.ts';

const APP = 'app' as BinaryName;

function report(fleet: Fleet, id: string, reason?: string): void {
  const state = reason === undefined ? 'ok' : 'failed';
  fleet.keepalive(
    { id },
    {
      name: `name of ${id}`,
      binaries: [{ name: APP, sha256: digest('1'), state, ...(reason !== undefined && { reason }) }],
    },
  );
}

async function ids(fleet: Fleet): Promise<readonly string[]> {
  return (await fleet.overview()).hosts.map(({ host }) => host.id).sort();
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; !(await what()); await delay(20)) {
    if (performance.now() > deadline) throw new Error('it did not come to be');
  }
}

describe('what is known of the hosts', () => {
  storeTest('survives kill -9 and a stop, and a report that was answered long ago is there', async ({ store }) => {
    const first = await FleetServer.start(store.store);
    const file = join(store.store, 'nodes/hosts.jsonl');
    for (let host = 0; host < 40; host++) {
      const binaries = [{ name: 'app', sha256: digest('1'), state: 'rolled-back', reason: `reason ${host}` }];
      await first.post('/api/v1/keepalive', { node_id: `n${host}`, nodeName: `host ${host}`, binaries });
    }
    await until(() => readFileSync(file, 'utf8').includes('reason 39'));
    await first.stop('SIGKILL');
    const second = await FleetServer.start(store.store);
    const { body } = await second.get('/nodes');
    expect(body).toMatchObject({ hosts: 40, states: { 'rolled-back': 40 } });
    expect(await second.get('/nodes/n7')).toMatchObject({ body: { node: { name: 'host 7' } } });
    await second.post('/keepalive', { node_id: 'the last word' });
    await second.stop('SIGTERM');
    const third = await FleetServer.start(store.store);
    expect(await third.get('/nodes')).toMatchObject({ body: { hosts: 41 } });
    await third.stop('SIGKILL');
    expect([second.said, third.said].join('')).not.toContain('cannot be understood');
    expect([statSync(file).mode & 0o777, statSync(join(store.store, 'nodes')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  fleetTest('is there again wherever its file was cut off, and a torn last line is no damage', async ({ folder }) => {
    const fleet = await folder.open();
    const file = join(folder.nodes, 'hosts.jsonl');
    for (const id of ['a', 'b', 'c']) report(fleet, id);
    await fleet.close();
    const whole = readFileSync(file);
    const lines = whole.toString().split('\n');
    const last = whole.length - (lines.at(-2)?.length ?? 0) - 1;
    for (const length of [whole.length, whole.length - 1, last + 20, last + 1, last]) {
      writeFileSync(file, whole);
      truncateSync(file, length);
      const again = await folder.open();
      expect([length, await ids(again)]).toEqual([length, length >= whole.length - 1 ? ['a', 'b', 'c'] : ['a', 'b']]);
      await again.close();
    }
    expect([folder.told, readdirSync(folder.nodes)]).toEqual([[], ['hosts.jsonl']]);
  });

  fleetTest('is moved aside where it cannot be understood; what can be read of it stays', async ({ folder }) => {
    const file = join(folder.nodes, 'hosts.jsonl');
    mkdirSync(folder.nodes);
    const fleet = await folder.open();
    for (const id of ['a', 'b', 'c']) report(fleet, id);
    await fleet.close();
    const sound = readFileSync(file, 'utf8');
    const [head = '', ...hosts] = sound.split('\n');
    const damages: readonly (readonly [text: string, left: readonly string[], says: string])[] = [
      [
        [head, hosts[0], '{"id":', 'no', ...hosts.slice(2)].join('\n'),
        ['a', 'c'],
        'line 3: not valid JSON, and 1 more',
      ],
      [[head, '{"id":"x","name":"x"}', ...hosts].join('\n'), ['a', 'b', 'c'], 'line 2: not the record of a host'],
      [sound.replace('fleet/1', 'fleet/2'), [], 'expected schema bin-manager/fleet/1, found "bin-manager/fleet/2"'],
      [`\0\0\0${sound.slice(3)}`, [], 'line 1: expected schema'],
      ['', [], 'it is empty'],
      ['\uFFFD'.repeat(5000), [], 'line 1: '],
    ];
    for (const [text, left, says] of damages) {
      folder.told.length = 0;
      writeFileSync(file, text);
      const again = await folder.open();
      expect([says, await ids(again)]).toEqual([says, left]);
      expect(folder.told).toEqual([expect.stringContaining(says)]);
      expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
      report(again, 'new');
      await again.close();
      const next = await folder.open();
      expect(await ids(next)).toEqual([...left, 'new']);
      await next.close();
    }
    expect(readdirSync(folder.nodes).sort()).toEqual(['hosts.jsonl', 'hosts.jsonl.damaged']);
  });

  fleetTest(
    'stays in memory where the directory cannot be, and hosts are answered (invariant 8)',
    async ({ folder }) => {
      writeFileSync(folder.nodes, 'a file');
      const fleet = await folder.open();
      const app = folder.serve(fleet);
      const answer = await app.inject({ method: 'POST', url: '/keepalive', payload: { node_id: 'n' } });
      expect([answer.statusCode, await ids(fleet)]).toEqual([201, ['n']]);
      expect(folder.told.length).toBeGreaterThan(0);
      expect(folder.told.at(-1)).toContain('cannot be kept on disk, and is in memory until it can');
    },
  );

  fleetTest.skipIf(!mayMount)(
    'outlives a full disk: served on, told once, kept again with room',
    async ({ folder }) => {
      const mounts = new Mounts();
      try {
        const disk = mounts.tmpfs(join(folder.directory, 'disk'), 'size=1m');
        const nodes = join(disk, 'nodes');
        const fleet = await folder.open(undefined, nodes);
        report(fleet, 'before');
        await until(() => readFileSync(join(nodes, 'hosts.jsonl'), 'utf8').includes('before'));
        fill(disk);
        for (let host = 0; host < 50; host++) report(fleet, `during ${host}`, 'x'.repeat(300));
        await until(() => folder.told.length > 0);
        expect(folder.told).toEqual([expect.stringMatching(/cannot be kept on disk.*no space left/)]);
        expect([(await ids(fleet)).length, (await unsaved(fleet)) > 0]).toEqual([51, true]);
        makeRoom(disk);
        await until(() => folder.told.length > 1);
        expect([folder.told[1], await unsaved(fleet)]).toEqual(['what hosts report is kept on disk again', 0]);
        await fleet.close();
        const again = await folder.open(undefined, nodes);
        expect((await ids(again)).length).toBe(51);
        await again.close();
      } finally {
        mounts.removeAll();
      }
    },
  );

  fleetTest('is written by one server: a second one takes over, and the first says so', async ({ folder }) => {
    const first = await folder.open();
    report(first, 'a');
    await first.close();
    const older = await folder.open();
    const newer = await folder.open();
    report(older, 'lost to the file');
    report(newer, 'b');
    await until(() => folder.told.length > 0);
    expect(folder.told).toEqual([expect.stringContaining('another server writes')]);
    await newer.close();
    const again = await folder.open();
    expect(await ids(again)).toEqual(['a', 'b']);
  });

  fleetTest('stays with the second server also where the first would write it anew', async ({ folder }) => {
    const older = await folder.open();
    // More than four megabytes of changes in one second: the file is worn after them.
    const reasons = (round: string) => {
      for (let host = 0; host < 2000; host++) {
        const binaries = Array.from({ length: 10 }, (_, n) => ({
          name: `app-${n}` as BinaryName,
          reason: `${round}${'x'.repeat(290)}`,
        }));
        older.keepalive({ id: `n${host}` }, { binaries });
      }
    };
    reasons('first');
    await until(
      async () => (await unsaved(older)) === 0 && statSync(join(folder.nodes, 'hosts.jsonl')).size > 4 * 2 ** 20,
    );
    const newer = await folder.open();
    report(newer, 'only here');
    await newer.close();
    const text = readFileSync(join(folder.nodes, 'hosts.jsonl'), 'utf8');
    reasons('lost');
    await until(() => folder.told.length > 0);
    expect(folder.told).toEqual([expect.stringContaining('another server writes')]);
    await older.close();
    expect([readFileSync(join(folder.nodes, 'hosts.jsonl'), 'utf8') === text, readdirSync(folder.nodes)]).toEqual([
      true,
      ['hosts.jsonl'],
    ]);
  });

  fleetTest('does not grow with reports that say nothing new', async ({ folder }) => {
    const fleet = await folder.open();
    for (const id of ['a', 'b']) report(fleet, id);
    await fleet.close();
    const file = join(folder.nodes, 'hosts.jsonl');
    const { length } = readFileSync(file);
    // Six megabytes of what a year of heartbeats would leave.
    const line = `${JSON.stringify({ seen: 'a', lastSeen: NOW, listedAt: NOW })}\n`;
    const again = await folder.open();
    appendFileSync(file, line.repeat(6e6 / line.length));
    await again.close();
    const third = await folder.open();
    expect([await ids(third), readFileSync(file).length <= length + 10]).toEqual([['a', 'b'], true]);
  });

  fleetTest('forgets hosts that were not seen for 30 days, also while nothing runs', async ({ folder }) => {
    const fleet = await folder.open();
    report(fleet, 'gone');
    folder.now = NOW + 2 * DAY;
    report(fleet, 'here');
    await fleet.close();
    folder.now = NOW + 30 * DAY + 1;
    const again = await folder.open();
    expect(await ids(again)).toEqual(['here']);
    await again.close();
    expect(readFileSync(join(folder.nodes, 'hosts.jsonl'), 'utf8')).not.toContain('gone');
  });

  fleetTest('is not kept alive by a clock that was wrong once', async ({ folder }) => {
    folder.now = NOW + 400 * DAY;
    const fleet = await folder.open();
    report(fleet, 'dead');
    await fleet.close();
    folder.now = NOW;
    const again = await folder.open();
    folder.now = NOW + DAY;
    expect((await again.overview()).states).toMatchObject({ lost: 1 });
  });

  fleetTest('keeps to its bounds by forgetting whoever was not seen for the longest time', async ({ folder }) => {
    const fleet = await folder.open({ ...BOUNDS, hosts: 3 });
    for (const id of ['a', 'b', 'c']) report(fleet, id);
    folder.now += HOUR;
    report(fleet, 'a');
    for (const id of ['d', 'e']) report(fleet, id);
    expect(await ids(fleet)).toEqual(['a', 'd', 'e']);
    const host = fleet.find({ id: 'e' });
    await fleet.close();
    const weight = host === undefined ? 0 : 2 * weightOf(host) + 10;
    const small = await folder.open({ ...BOUNDS, weight });
    expect(await ids(small)).toEqual(['d', 'e']);
    folder.now += HOUR;
    report(small, 'e');
    report(small, 'f');
    expect(await ids(small)).toEqual(['e', 'f']);
  });

  fleetTest('lets nobody take the place of a host that lives, and says that there is no room', async ({ folder }) => {
    const fleet = await folder.open({ ...BOUNDS, hosts: 2 });
    for (const id of ['a', 'b']) report(fleet, id);
    folder.now += 40 * MINUTE;
    report(fleet, 'b');
    const app = folder.serve(fleet);
    app.setErrorHandler((error, request, reply) => sendTrouble(error, request, reply));
    const stranger = (method: 'POST' | 'GET' = 'POST') =>
      app.inject({ method, url: '/keepalive?node_id=stranger', ...(method === 'POST' && { payload: {} }) });
    for (let round = 0; round < 3; round++) {
      const refused = await stranger();
      expect([refused.statusCode, refused.headers['retry-after'], refused.json()]).toEqual([
        503,
        '900',
        expect.objectContaining({ code: 503, error: expect.stringContaining('no room'), data: null }),
      ]);
    }
    expect([await ids(fleet), (await stranger('GET')).statusCode]).toEqual([['a', 'b'], 404]);
    expect(folder.told).toEqual([expect.stringMatching(/^reports are refused from now on: 2 hosts take 1 MiB/)]);
    // Whoever lives can be seen, but not say more than there is room for; whoever is lost makes room.
    const weight = ['a', 'b'].reduce((sum, id) => sum + weightOf(fleet.find({ id }) as Host), 0);
    await fleet.close();
    const tight = await folder.open({ ...BOUNDS, weight });
    expect(() => report(tight, 'b', 'x'.repeat(300))).toThrow('no more');
    expect(tight.find({ id: 'b' })).toMatchObject({ lastSeen: folder.now, binaries: [{ state: 'ok' }] });
    folder.now += 7 * MINUTE;
    report(tight, 'c');
    expect(await ids(tight)).toEqual(['b', 'c']);
  });

  fleetTest('passes over what a later version has added to its file', async ({ folder }) => {
    const fleet = await folder.open();
    report(fleet, 'a', 'a reason');
    await fleet.close();
    const file = join(folder.nodes, 'hosts.jsonl');
    const [head, line = ''] = readFileSync(file, 'utf8').split('\n');
    const host = JSON.parse(line) as Host;
    const later = { ...host, zone: 'eu', binaries: [{ ...host.binaries[0], signed: { by: 'x' } }] };
    writeFileSync(
      file,
      `${head}\n${JSON.stringify(later)}\n${JSON.stringify({ seen: 'a', lastSeen: NOW, load: 1 })}\n`,
    );
    const again = await folder.open();
    expect([again.find({ id: 'a' }), folder.told]).toEqual([host, []]);
  });

  fleetTest('takes no more of its file than it has room for', async ({ folder }) => {
    const fleet = await folder.open();
    for (const id of ['a', 'b', 'c']) report(fleet, id);
    const weight = 2 * weightOf(fleet.find({ id: 'c' }) as Host) + 10;
    await fleet.close();
    const { hosts } = await readState(join(folder.nodes, 'hosts.jsonl'), { ...BOUNDS, weight });
    expect(hosts.map(({ id }) => id)).toEqual(['b', 'c']);
    expect([2 ** 28, 2 ** 30, 2 ** 33].map((heap) => boundsFor(heap).weight)).toEqual([2 ** 26, 2 ** 28, 2 ** 29]);
  });

  fleetTest('holds only so much of one host, whatever it says', async ({ folder }) => {
    const fleet = await folder.open();
    const app = folder.serve(fleet);
    const huge = 'x'.repeat(1000);
    const binaries = Array.from({ length: 150 }, (_, index) => ({
      name: `binary-${index}-${'y'.repeat(100)}`,
      version: huge,
      sha256: digest('1'),
      state: 'failed',
      reason: huge,
    }));
    const payload = { node_id: huge, nodeName: huge, cpuArch: huge, osRelease: huge, binProxyVersion: huge };
    const answers = [];
    for (let round = 0; round < 15; round++) {
      const list = binaries.map((one) => ({ ...one, sha256: digest(String(round % 10)), reason: `${round}${huge}` }));
      const body = JSON.stringify({ ...payload, binaries: list.slice(0, 100) });
      answers.push(
        (await app.inject({ method: 'POST', url: '/keepalive', payload: body.slice(0, 250_000) })).statusCode,
      );
    }
    expect(new Set(answers)).toEqual(new Set([201]));
    const [only] = (await fleet.overview()).hosts;
    expect([only?.host.id.length, only?.host.os?.length]).toEqual([HOST_LIMITS.id, HOST_LIMITS.os]);
    expect(only && lengthOf(only.host)).toBeLessThanOrEqual(HOST_LIMITS.length);
    expect(only?.host.binaries.length).toBe(100);
    await fleet.close();
    expect(existsSync(join(folder.nodes, 'hosts.jsonl'))).toBe(true);
    const again = await folder.open();
    expect([again.size, folder.told]).toEqual([1, []]);
  });
});

async function unsaved(fleet: Fleet): Promise<number> {
  const families = await fleet.metrics();
  return families.find(({ name }) => name.endsWith('unsaved_changes'))?.samples[0]?.value ?? -1;
}
