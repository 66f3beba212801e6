import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTATING } from '../crash/strace.ts';
import { has } from '../support/components.ts';
import { Nginx } from '../support/nginx.ts';
import { untilSettled } from '../support/settled.ts';
import { BenchHost, type Fleet } from './bench-host.ts';

const WATCHED = 'execve,fork,vfork,clone,clone3,open,openat,statx,newfstatat,lstat,write,writev,sendto,sendmsg'.split(
  ',',
);
const CHANGES = new RegExp(`^(${MUTATING.join('|')})\\(`);
const SCENES: readonly (Fleet & { readonly requests: number })[] = [
  { binaries: 1, bytes: 10_000, index: 'none', requests: 1 },
  { binaries: 20, bytes: 10_000, index: 'none', requests: 20 },
  { binaries: 20, bytes: 10_000, index: 'offered', requests: 1 },
];

/** What an idle tick asks of the kernel. Times depend on the machine; these do not. */
describe.skipIf(!has('nginx', 'strace', 'flock'))('an idle tick, as the kernel sees it', () => {
  const hosts: BenchHost[] = [];
  const servers: Nginx[] = [];

  beforeAll(async () => {
    for (const fleet of SCENES) {
      const host = new BenchHost();
      hosts.push(host);
      await host.publish(fleet);
      const nginx = await Nginx.start(host.store.store);
      servers.push(nginx);
      host.api = nginx.api;
    }
    await untilSettled();
    for (const host of hosts) host.settle();
  });

  afterAll(async () => {
    for (const nginx of servers) await nginx.stop();
    for (const host of hosts) host.remove();
  });

  it.each(SCENES.map((scene, index) => ({ ...scene, index: scene.index, at: index })))(
    'asks $requests times for $binaries binaries (index: $index), and writes, starts and digests nothing (invariant 12)',
    ({ at, binaries, requests }) => {
      const host = hosts[at];
      if (host === undefined) throw new Error('no host');
      const calls = callsOf(host);
      const count = (...patterns: readonly RegExp[]) => calls.filter((call) => patterns.every((one) => one.test(call)));
      const binary = new RegExp(`"${host.binary('app-')}\\d+"`);
      expect(count(/^(write|writev|sendto|sendmsg)\(/, /"GET \//)).toHaveLength(requests);
      expect(count(CHANGES)).toEqual([]);
      expect(count(/^openat\(/, /O_(WRONLY|RDWR|CREAT)/).filter((call) => !call.includes('"/dev/'))).toEqual([]);
      // The first is the tick itself.
      expect(count(/^execve\(/)).toHaveLength(1);
      expect(count(/^(v?fork|clone3?)\(/).filter((call) => !call.includes('CLONE_THREAD'))).toEqual([]);
      // What is digested is opened before.
      expect(count(/^open(at)?\(/, binary)).toEqual([]);
      expect(count(/^(statx|newfstatat|lstat)\(/, binary)).toHaveLength(binaries);
    },
  );
});

/** The calls of one tick, of all its threads, without their numbers. */
function callsOf(host: BenchHost): readonly string[] {
  const file = join(host.store.directory, 'trace');
  const { command, environment } = host.ours();
  const options = ['-f', '-qq', '-s', '512', '-e', `trace=${[...MUTATING, ...WATCHED].join(',')}`, '-o', file];
  const { status, stderr } = spawnSync('strace', [...options, ...command], { env: environment, encoding: 'utf8' });
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  const calls = readFileSync(file, 'utf8').split('\n');
  rmSync(file);
  return calls.map((line) => line.replace(/^\d+ +/, '')).filter((call) => !call.startsWith('<...'));
}
