import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { Nginx, startTlsNginx } from '../support/nginx.ts';
import { untilSettled } from '../support/settled.ts';
import { BenchHost, type Fleet } from './bench-host.ts';
import { Meter, type Usage } from './meter.ts';
import { printTable, type Row } from './table.ts';

/** `npm run bench` takes its time; in a usual test run it is shown that all of this still works. */
const FULL = process.env['BENCH'] === 'all';
const ROUNDS = FULL ? 21 : 1;
const MANY = FULL ? 100 : 5;
const VERY_MANY = FULL ? 1000 : 20;
const BYTES = FULL ? 10_000_000 : 100_000;

interface Scene extends Fleet {
  readonly server: 'http' | 'https';
}

const SCENES = {
  one: { binaries: 1, bytes: BYTES, index: 'none', server: 'http' },
  many: { binaries: MANY, bytes: BYTES, index: 'none', server: 'http' },
  indexed: { binaries: 1, bytes: BYTES, index: 'offered', server: 'http' },
  manyIndexed: { binaries: MANY, bytes: BYTES, index: 'offered', server: 'http' },
  veryManyIndexed: { binaries: VERY_MANY, bytes: BYTES, index: 'offered', server: 'http' },
  secure: { binaries: 1, bytes: BYTES, index: 'none', server: 'https' },
  manySecure: { binaries: MANY, bytes: BYTES, index: 'none', server: 'https' },
} as const satisfies Record<string, Scene>;

type SceneName = keyof typeof SCENES;

describe.skipIf(!has('nginx', 'cc', 'curl', 'jq', 'openssl', 'flock'))('an idle tick', () => {
  const hosts = {} as Record<SceneName, BenchHost>;
  const servers: { stop(): Promise<void> }[] = [];
  let meter: Meter;
  let authority: Authority;

  beforeAll(async () => {
    meter = new Meter();
    authority = new Authority();
    for (const [name, scene] of Object.entries(SCENES)) hosts[name as SceneName] = await prepared(scene);
    await untilSettled();
    for (const host of Object.values(hosts)) host.settle();
  }, 300_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
    for (const host of Object.values(hosts)) host.remove();
    authority.remove();
    meter.remove();
  });

  async function prepared({ server, ...fleet }: Scene): Promise<BenchHost> {
    const host = new BenchHost();
    await host.publish(fleet);
    if (server === 'http') {
      const nginx = await Nginx.start(host.store.store);
      servers.push(nginx);
      host.api = nginx.api;
    } else {
      const nginx = await startTlsNginx(authority.issue());
      servers.push(nginx);
      symlinkSync(host.store.store, join(nginx.directory, 'www'));
      host.api = `https://127.0.0.1:${nginx.port}/api/v1`;
      host.caFile = authority.certFile;
    }
    return host;
  }

  it('is measured beside a shell script and beside a bare node', { timeout: 1_200_000 }, async () => {
    const quick: readonly SceneName[] = ['one', 'indexed', 'manyIndexed', 'veryManyIndexed', 'secure'];
    const used = new Map<string, Usage>();
    const measured = await meter.rounds(ROUNDS, [
      hosts.one.bare(),
      ...quick.map((name) => ({ ...hosts[name].ours(), name })),
      { ...hosts.one.bash(), name: 'bash one' },
      { ...hosts.secure.bash(), name: 'bash secure' },
    ]);
    // A hundred files of ten megabytes take the script five seconds.
    const slow = await meter.rounds(FULL ? 5 : 1, [
      ...(['many', 'manySecure'] as const).map((name) => ({ ...hosts[name].ours(), name })),
      ...(['many', 'manySecure'] as const).map((name) => ({ ...hosts[name].bash(), name: `bash ${name}` })),
    ]);
    for (const [name, usage] of [...measured, ...slow]) used.set(name, usage);
    printTable('Idle tick, processor time', ROUNDS, rowsOf(used));
  });
});

function rowsOf(used: ReadonlyMap<string, Usage>): readonly Row[] {
  const cpu = (a: string, b: string, reach: number) => ({
    found: of(used, a).cpuMs / of(used, b).cpuMs,
    reach,
    from: `${of(used, a).cpuMs.toFixed(1)} / ${of(used, b).cpuMs.toFixed(1)} ms`,
  });
  const peak = (a: string) => ({
    found: of(used, a).peakMib / of(used, 'bare').peakMib,
    reach: 1.25,
    from: `${of(used, a).peakMib.toFixed(1)} / ${of(used, 'bare').peakMib.toFixed(1)} MiB`,
  });
  return [
    { what: 'N=1: ours / bash', ...cpu('one', 'bash one', 0.6) },
    { what: 'N=1: ours / bare node', ...cpu('one', 'bare', 1.7) },
    { what: 'N=1, index: ours / bare node', ...cpu('indexed', 'bare', 1.7) },
    { what: `N=${MANY}: ours / bash`, ...cpu('many', 'bash many', 0.02) },
    { what: `N=${MANY}, index: ours / bare node`, ...cpu('manyIndexed', 'bare', 1.9) },
    { what: `N=${VERY_MANY}, index: ours / N=1`, ...cpu('veryManyIndexed', 'indexed', 2) },
    { what: 'TLS, N=1: ours / bash', ...cpu('secure', 'bash secure', 1) },
    { what: `TLS, N=${MANY}: ours / bash`, ...cpu('manySecure', 'bash manySecure', 0.03) },
    { what: 'peak memory, N=1: ours / bare node', ...peak('one') },
    { what: `peak memory, N=${VERY_MANY}, index: ours / bare node`, ...peak('veryManyIndexed') },
  ];
}

function of(used: ReadonlyMap<string, Usage>, name: string): Usage {
  const usage = used.get(name);
  if (usage === undefined) throw new Error(`${name} was not measured`);
  return usage;
}
