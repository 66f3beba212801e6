import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { has } from '../support/components.ts';
import { Nginx } from '../support/nginx.ts';
import { program } from '../support/program.ts';
import { untilSettled } from '../support/settled.ts';
import { Supervisord } from '../support/supervisord.ts';
import { BenchHost } from './bench-host.ts';
import type { Contender } from './meter.ts';
import { printTable } from './table.ts';

const FULL = process.env['BENCH'] === 'all';
const ROUNDS = FULL ? 5 : 1;
const BYTES = FULL ? 20_000_000 : 1_000_000;

/** What supervisord's own log says of one restart, in milliseconds. */
interface Restart {
  /** From the start of whoever restarts to the new process. */
  readonly untilSpawnedMs: number;
  /** From the order to stop to RUNNING. */
  readonly downMs: number;
}

describe.skipIf(!has('nginx', 'supervisord', 'supervisorctl', 'cc', 'curl', 'jq', 'flock'))(
  'a release of a service',
  () => {
    const host = new BenchHost();
    const supervisor = new Supervisord(host.store.directory);
    let nginx: Nginx | undefined;

    beforeAll(async () => {
      await host.publish({ binaries: 1, bytes: BYTES, index: 'offered', program: build('1') });
      await host.store.publish('app-0', build('2'), '--version', '2');
      await host.store.run('promote', 'app-0', '1');
      nginx = await Nginx.start(host.store.store);
      host.api = nginx.api;
      host.manages({ name: 'app-0', service: 'app' });
      supervisor.program({ name: 'app', command: host.binary('app-0') });
      await supervisor.start();
    });
    afterAll(async () => {
      await supervisor.stop();
      await nginx?.stop();
      host.remove();
    });

    it('is measured from its publication to the restarted service', { timeout: 600_000 }, async () => {
      const settings = {
        BIN_PROXY_SUPERVISOR_CONF: supervisor.configuration,
        BIN_PROXY_STABLE_SECONDS: '1',
        // Over before the next round.
        BIN_PROXY_PROBATION_SECONDS: '1',
      };
      const ctl = ['supervisorctl', '-c', supervisor.configuration, 'restart', 'app'] as const;
      const contenders: readonly Contender[] = [
        { ...host.ours(settings), name: 'ours' },
        { ...host.bash(), name: 'bash' },
        { name: 'by hand', command: ctl, environment: { PATH: process.env['PATH'] ?? '' } },
      ];
      const found = new Map<string, Restart[]>(contenders.map(({ name }) => [name, []]));
      let offered = '1';
      for (let round = 0; round < ROUNDS; round++) {
        for (const contender of contenders) {
          await supervisor.untilState('app', 'RUNNING');
          if (contender.name !== 'by hand') {
            // As it is on a host that looks every minute: nothing to find out but that there is a release.
            if (FULL) await untilSettled();
            host.settle(settings);
            offered = offered === '1' ? '2' : '1';
            await host.store.run('promote', 'app-0', offered);
          }
          found.get(contender.name)?.push(await restartBy(contender));
        }
      }
      const of = (name: string, what: keyof Restart) => middle((found.get(name) ?? []).map((one) => one[what]));
      const ratio = (what: keyof Restart, [a, b]: readonly [string, string]) => ({
        found: of(a, what) / of(b, what),
        from: `${of(a, what).toFixed(0)} / ${of(b, what).toFixed(0)} ms`,
      });
      printTable(`Release of ${BYTES / 1e6} MB, wall time`, ROUNDS, [
        { what: 'until the service is restarted: ours / bash', reach: 1, ...ratio('untilSpawnedMs', ['ours', 'bash']) },
        {
          what: 'the service is down: ours / supervisorctl restart',
          reach: 1.05,
          ...ratio('downMs', ['ours', 'by hand']),
        },
      ]);
    });

    async function restartBy({ name, command: [file, ...args], environment }: Contender): Promise<Restart> {
      const log = join(host.store.directory, 'supervisord.log');
      const before = readFileSync(log, 'utf8').length;
      const begun = Date.now();
      const child = spawn(file, args, { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`${name} ended with ${code}`);
      await supervisor.untilState('app', 'RUNNING');
      const text = readFileSync(log, 'utf8').slice(before);
      const at = (words: string) => {
        const [, day, time, ms] = new RegExp(`^(\\S+) (\\S+),(\\d+) \\w+ (?:${words})`, 'm').exec(text) ?? [];
        if (day === undefined) throw new Error(`${name}: supervisord's log does not say "${words}":\n${text}`);
        return new Date(`${day}T${time}.${ms}`).getTime();
      };
      // A program that ends at once is not waited for.
      const stopped = at('waiting for app to stop|stopped: app ');
      return { untilSpawnedMs: at('spawned: ') - begun, downMs: at('success: app ') - stopped };
    }
  },
);

/** A native program, for the kernel must be able to say which file a process executes. */
function build(version: string): Buffer {
  const native = program(version);
  // What it is to do stands in its last bytes.
  return Buffer.concat([native, Buffer.alloc(Math.max(0, BYTES - native.length), native), native.subarray(-256)]);
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
