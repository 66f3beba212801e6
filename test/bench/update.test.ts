import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { has } from '../support/components.ts';
import { Nginx } from '../support/nginx.ts';
import { BenchHost, executable } from './bench-host.ts';
import { type Contender, Meter } from './meter.ts';
import { printTable } from './table.ts';

const FULL = process.env['BENCH'] === 'all';
const ROUNDS = FULL ? 5 : 1;
const BYTES = FULL ? 1 << 30 : 4 << 20;
const SMALL_BYTES = FULL ? 100 << 20 : 1 << 20;

describe.skipIf(!has('nginx', 'cc', 'curl', 'flock'))('an update of a large file', () => {
  const hosts: BenchHost[] = [];
  const servers: Nginx[] = [];
  let meter: Meter;

  beforeAll(() => {
    meter = new Meter();
  });
  afterAll(async () => {
    for (const nginx of servers) await nginx.stop();
    for (const host of hosts) host.remove();
    meter.remove();
  });

  /** A host that has an older release of one binary at the start of every round. */
  async function outdated(name: string, bytes: number, index: 'offered' | 'none'): Promise<Contender> {
    const host = new BenchHost();
    hosts.push(host);
    await host.publish({ binaries: 1, bytes, index });
    const nginx = await Nginx.start(host.store.store);
    servers.push(nginx);
    host.api = nginx.api;
    const old = host.store.file(executable(1_000_000, 0));
    return { ...host.ours(), name, prepare: () => host.install('app-0', old) };
  }

  it('is measured beside curl, md5sum, sync and mv', { timeout: 1_200_000 }, async () => {
    const md5 = await outdated('md5', BYTES, 'none');
    const sha256 = await outdated('sha256', BYTES, 'offered');
    const small = await outdated('small', SMALL_BYTES, 'none');
    const { store, api } = hosts[0] as BenchHost;
    const script = join(store.directory, 'baseline.sh');
    const line = `cd ${store.directory} && curl -fsS -o f ${api}/releases/latest/app-0/download && md5sum f && sync f && mv f g`;
    writeFileSync(script, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
    const shell: Contender = { name: 'shell', command: [script], environment: { PATH: process.env['PATH'] ?? '' } };
    const used = await meter.rounds(ROUNDS, [shell, md5, sha256, small]);
    const wall = (name: string) => used.get(name)?.wallMs ?? Number.NaN;
    const peak = (name: string) => used.get(name)?.peakMib ?? Number.NaN;
    const row = (name: string, reach: number) => ({
      what: `${BYTES >> 20} MiB with ${name}: ours / curl && md5sum && sync && mv, wall`,
      found: wall(name) / wall('shell'),
      reach,
      from: `${wall(name).toFixed(0)} / ${wall('shell').toFixed(0)} ms`,
    });
    printTable('Update of one file', ROUNDS, [
      row('md5', 1),
      row('sha256', 0.8),
      { what: `${BYTES >> 20} MiB: peak memory, MiB`, found: peak('md5'), reach: 125, from: '' },
      { what: `${SMALL_BYTES >> 20} MiB: peak memory, MiB`, found: peak('small'), reach: 125, from: '' },
    ]);
  });
});
