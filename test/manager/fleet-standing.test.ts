import { describe, expect, it } from 'vitest';
import type { BinaryName } from '../../src/domain/names.ts';
import type { Host } from '../../src/manager/fleet/host.ts';
import { afterKeepalive, afterProgress, afterVersion, newHost } from '../../src/manager/fleet/listen.ts';
import { StoreCatalogReader } from '../../src/manager/fleet/offers.ts';
import { reportedText, reportedTime } from '../../src/manager/fleet/reported-text.ts';
import { type Fields, readKeepalive, readProgress, readVersionReport } from '../../src/manager/fleet/reports.ts';
import { hostStanding, type Standing } from '../../src/manager/fleet/standing.ts';
import { ReleaseStore } from '../../src/manager/store.ts';
import { metricsText } from '../../src/platform/metrics-text.ts';
import { digest, fleetTest, MINUTE, NOW, offering } from '../support/fleet.ts';
import { sha256 } from '../support/program.ts';
import { script, storeTest } from '../support/release-store.ts';

const APP = 'app' as BinaryName;
const [OLD, NEW, CANARY] = [digest('1'), digest('2'), digest('3')];
const OFFERED_AT = NOW - 60 * MINUTE;
const OFFERS = offering('app', { stable: ['2', NEW], canary: ['3', CANARY] }, OFFERED_AT);

/** What a host says, one after the other, a minute between. */
type Said = readonly ['keepalive' | 'progress' | 'version', Fields];

function listen(said: readonly Said[], from = NOW - 30 * MINUTE): Host {
  return said.reduce(
    (host, [kind, fields], index) => {
      const now = from + index * MINUTE;
      if (kind === 'keepalive') return afterKeepalive(host, readKeepalive(fields, now), now);
      const report = kind === 'progress' ? readProgress(APP, fields) : undefined;
      if (report !== undefined) return afterProgress(host, report, now);
      const version = readVersionReport(APP, fields);
      if (version === undefined) throw new Error(`not understood: ${JSON.stringify(fields)}`);
      return afterVersion(host, version, now);
    },
    newHost('n', 'n', from),
  );
}

const listing = (fields: Fields): Said => ['keepalive', { binaries: [{ name: 'app', ...fields }] }];

describe('what a host says', () => {
  it.each<[string, Standing, readonly Said[]]>([
    ['runs what is offered', 'current', [listing({ sha256: NEW, state: 'ok' })]],
    ['runs it by its md5 word', 'current', [['version', { sha256sum: NEW }]]],
    ['runs other bytes, and has not looked since', 'behind', [listing({ sha256: OLD })]],
    ['is content with another version: it is pinned', 'held', [listing({ sha256: OLD, state: 'ok' })]],
    ['is content with another channel', 'current', [listing({ sha256: CANARY, state: 'ok' })]],
    [
      'follows another channel, and is not there yet',
      'behind',
      [listing({ sha256: NEW, state: 'ok', follows: 'canary' })],
    ],
    ['follows another channel, and is there', 'current', [listing({ sha256: CANARY, state: 'ok', follows: 'canary' })]],
    [
      'follows stable, and runs what another channel offers',
      'behind',
      [listing({ sha256: CANARY, follows: 'latest' })],
    ],
    ['follows stable, and says that all is well', 'behind', [listing({ sha256: OLD, state: 'ok', follows: 'stable' })]],
    ['is pinned to what it runs', 'held', [listing({ sha256: CANARY, state: 'ok', follows: '3' })]],
    ['is pinned to what is offered', 'current', [listing({ sha256: NEW, state: 'ok', follows: '2' })]],
    ['is pinned to what it does not run yet', 'behind', [listing({ sha256: NEW, state: 'ok', follows: '3' })]],
    ['follows what nobody offers', 'unknown', [listing({ sha256: OLD, state: 'ok', follows: 'nightly' })]],
    ['is held', 'held', [listing({ sha256: OLD, state: 'held' })]],
    ['is held where it should be', 'current', [listing({ sha256: NEW, state: 'held' })]],
    ['has nothing installed', 'failed', [listing({ state: 'missing' })]],
    ['says nothing of its bytes', 'unknown', [listing({})]],
    ['has the release in quarantine', 'rolled-back', [listing({ sha256: OLD, state: 'quarantined' })]],
    ['was rolled back to what is offered again', 'current', [listing({ sha256: NEW, state: 'rolled-back' })]],
    ['has begun an update', 'updating', [['progress', { targetHash: NEW, status: 'in_progress' }]]],
    ['has ended it', 'current', [['progress', { targetHash: NEW, status: 'success' }]]],
    ['is on probation', 'updating', [listing({ sha256: NEW, state: 'proving' })]],
    [
      'has rolled back, and says what runs again',
      'rolled-back',
      [
        ['version', { sha256: OLD }],
        ['progress', { targetHash: NEW, status: 'in_progress' }],
        ['progress', { targetHash: NEW, status: 'failed', outcome: 'rolled-back', reason: 'did-not-stay-up' }],
        ['version', { sha256: OLD }],
      ],
    ],
    ['could not roll back', 'rollback-failed', [['progress', { target_hash: NEW, status: 'rollback_failed' }]]],
    [
      'has failed, and succeeds after all',
      'current',
      [
        ['progress', { targetHash: NEW, status: 'failed' }],
        ['progress', { targetHash: NEW, status: 'success' }],
        ['version', { sha256: NEW, version: '2' }],
      ],
    ],
  ])('%s: %s', (_, standing, said) => {
    expect(hostStanding(listen(said), OFFERS, NOW).binaries[0]?.standing).toBe(standing);
  });

  it('was said before the release was offered: then content means nothing', () => {
    const host = listen([listing({ sha256: OLD, state: 'ok' })], OFFERED_AT - MINUTE);
    const [binary] = hostStanding(host, OFFERS, NOW - 30 * MINUTE).binaries;
    expect(binary).toMatchObject({ standing: 'behind', behindSince: OFFERED_AT });
  });

  it('is kept with what it wants, for as long as that is not what it runs', () => {
    const wanted = { version: '2', sha256: NEW, md5: 'x' };
    const behind = listing({ sha256: OLD, state: 'failed', follows: 'latest', wanted });
    expect(listen([behind]).binaries[0]).toMatchObject({ follows: 'latest', wanted: { version: '2', sha256: NEW } });
    for (const after of [listing({ sha256: NEW, follows: 'latest', wanted }), ['version', { sha256: NEW }] as const]) {
      const [binary] = listen([behind, after]).binaries;
      expect(binary).toMatchObject({ sha256: NEW, follows: 'latest' });
      expect(binary).not.toHaveProperty('wanted');
    }
    for (const nonsense of [1, null, [], {}, { sha256: 'short' }, { version: '9' }]) {
      expect(listen([listing({ sha256: OLD, wanted: nonsense })]).binaries[0]).not.toHaveProperty('wanted');
    }
  });

  it('becomes one line of history a change, and none for what is said again', () => {
    const said: readonly Said[] = [
      listing({ sha256: OLD, state: 'ok', version: '1' }),
      listing({ sha256: OLD, state: 'ok', version: '1' }),
      ['progress', { targetHash: NEW, status: 'in_progress' }],
      ['progress', { targetHash: NEW, status: 'success', processingTime: 12 }],
      ['version', { sha256: NEW, md5: 'a'.repeat(32), version: '2' }],
      listing({ sha256: NEW, state: 'ok', version: '2' }),
      listing({ sha256: NEW, md5: 'a'.repeat(32), state: 'ok', version: '2' }),
    ];
    const [binary] = listen(said).binaries;
    expect(binary?.events.map(({ what, seconds }) => [what, seconds])).toEqual([
      ['updated', 12],
      ['updating', undefined],
    ]);
    const many = Array.from({ length: 40 }, (_, index) => listing({ sha256: digest(String(index % 2)), state: 'ok' }));
    expect(listen(many).binaries[0]?.events.length).toBe(10);
  });

  it('is cleaned of what forges lines and of what is too long, and is never taken for the future', () => {
    expect(reportedText('a\n\u202Eb\u0007\uD800', 99)).toBe('a\uFFFD\uFFFDb\uFFFD\uFFFD');
    expect(reportedText('x'.repeat(1e6), 5)).toBe('xxxx…');
    expect(reportedText('xxx\u{1F600}y'.repeat(9), 5)).toBe('xxx…');
    for (const value of [undefined, null, 1, {}, [], '', ' \t ']) expect(reportedText(value, 9)).toBeUndefined();
    expect([reportedTime('2026-11-21T11:00:00Z', NOW), reportedTime(1, NOW)]).toEqual([NOW - 60 * MINUTE, 1000]);
    for (const value of ['2026-11-21T12:00:01Z', 'soon', -1, 1e300, Number.NaN, {}, 'x'.repeat(99)]) {
      expect(reportedTime(value, NOW)).toBeUndefined();
    }
  });
});

describe('what is offered', () => {
  storeTest('is read from the store, with the time at which a channel moved', async ({ store }) => {
    const [one, two] = [script('one'), script('two')];
    await store.publish('app', one, '--version', '1', '--channel', 'canary');
    const told: string[] = [];
    const reader = new StoreCatalogReader(new ReleaseStore(store.store), (message) => told.push(message));
    const before = await reader.read();
    expect(before.get('app')?.offers.map(({ channel, version }) => [channel, version])).toEqual([['canary', '1']]);
    expect(await reader.read()).toBe(before);
    await store.publish('app', two, '--version', '2');
    const begun = Date.now();
    await store.run('promote', 'app', '1');
    const after = (await reader.read()).get('app');
    expect(after?.offers.map(({ channel, version }) => [channel, version])).toEqual([
      ['stable', '1'],
      ['canary', '1'],
    ]);
    expect(after?.offers[0]?.since).toBeGreaterThanOrEqual(begun - 1000);
    expect([after?.versions.get(sha256(two)), told]).toEqual(['2', []]);
  });
});

describe('the whole fleet', () => {
  fleetTest('is in order and as it is now, whoever comes, goes, changes or is silent', async ({ folder }) => {
    folder.offers = OFFERS;
    const fleet = await folder.open();
    const say = (id: string, name: string, sha256: string) =>
      fleet.keepalive({ id }, readKeepalive({ nodeName: name, binaries: [{ name: 'app', sha256 }] }, folder.now));
    const seen = async () => {
      const { hosts, standings } = await fleet.overview();
      return [hosts.map(({ host, states }) => `${host.name} ${[...states].join()}`), [...standings.keys()].join()];
    };
    say('2', 'bert', NEW);
    say('1', 'carl', NEW);
    say('3', 'anna', OLD);
    expect(await seen()).toEqual([['anna behind', 'bert ok', 'carl ok'], '1,2,3']);
    say('0', 'dora', NEW);
    say('1', 'adam', NEW);
    say('3', 'anna', NEW);
    expect(await seen()).toEqual([['adam ok', 'anna ok', 'bert ok', 'dora ok'], '0,1,2,3']);
    folder.now += 40 * MINUTE;
    say('2', 'bert', NEW);
    folder.now += 7 * MINUTE;
    expect(await seen()).toEqual([['adam lost', 'anna lost', 'dora lost', 'bert ok'], '0,1,2,3']);
    folder.offers = offering('app', { stable: ['4', digest('4')] }, OFFERED_AT);
    expect(await seen()).toEqual([['adam lost', 'anna lost', 'dora lost', 'bert behind'], '0,1,2,3']);
    // Two who ask at once look at the same.
    say('2', 'bert', OLD);
    const both = await Promise.all([fleet.overview(), fleet.overview()]);
    expect(both[0]).toBe(both[1]);
  });
});

describe('the numbers of the fleet', () => {
  fleetTest('have few labels, whatever hosts call their versions', async ({ folder }) => {
    folder.offers = OFFERS;
    const fleet = await folder.open();
    for (let host = 0; host < 200; host++) {
      const binaries = [
        { name: 'app', version: `"${host}\\`, sha256: OLD },
        { name: `made-up-${host}`, sha256: OLD },
      ];
      fleet.keepalive({ id: `n${host}` }, readKeepalive({ binaries }, NOW));
    }
    // The one that is published, and 50 others: the rest is on the pages of its hosts.
    expect((await fleet.overview()).binaries.map(({ hosts }) => hosts)).toEqual([200, ...Array(50).fill(1)]);
    const text = metricsText(await fleet.metrics());
    expect(text).toContain('bin_manager_hosts 200\n');
    expect(text).toContain('bin_manager_hosts_in_state{state="behind"} 200\n');
    expect(text).toContain('bin_manager_binary_hosts{binary="app",standing="behind"} 200\n');
    expect(text).toContain('bin_manager_version_hosts{binary="app",version="others"} 190\n');
    expect(text).toContain('bin_manager_reports_total{kind="keepalive"} 200\n');
    expect([text.includes('made-up'), text.split('\n').length < 60]).toEqual([false, true]);
  });
});
