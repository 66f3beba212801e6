import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Evidence } from '../../src/domain/evidence.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const good = program('good');
const bad = program('bad', { life: 300, exit: 7 });

describe.concurrent('the evidence of a rollback', () => {
  hostTest('says what was seen, what the program printed, and how the host was', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', bad);

    const outcome = outcomeOf(await host.tick(), 'app');

    expect(outcome).toMatchObject({
      outcome: 'rolled-back',
      lastWords: 'stderr of app ends with "panic: VERSION=bad"',
    });
    const evidence = JSON.parse(readFileSync(outcome.evidence ?? '', 'utf8')) as Evidence;
    expect(evidence).toMatchObject({
      schema: 'bin-proxy/evidence/1',
      name: 'app',
      reason: outcome.reason,
      release: `md5:${md5(bad)}`,
      from: `md5:${md5(good)}`,
    });
    expect(evidence.states.map(({ state }) => state)).not.toEqual([]);
    const [words] = evidence.processes;
    expect(words?.stdout.at(-1)).toMatch(/^started VERSION=/);
    expect(words?.events.join('\n')).toContain('exited: app (exit status 7; not expected)');
    expect(evidence.host.disks.map(({ path }) => path)).toContain(host.binDir);
    const [rejected = ''] = evidence.rejected;
    expect(readFileSync(rejected)).toEqual(bad);
    expect(statSync(rejected).mode & 0o7777).toBe(0o400);
  });

  hostTest('is named where a person looks', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', bad);

    const { stdout } = await host.run(['run']);

    expect(stdout).toMatch(/^app +ROLLED BACK/m);
    expect(stdout).toContain('stderr of app ends with "panic: VERSION=bad"');
    expect(stdout).toMatch(new RegExp(`evidence: ${host.stateDir}/evidence/app\\.`));
  });

  hostTest('cannot be kept: the rollback is none the worse for it (invariant 8)', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', bad);
    mkdirSync(host.stateDir, { mode: 0o700 });
    writeFileSync(join(host.stateDir, 'evidence'), 'in the way');

    const outcome = outcomeOf(await host.tick(), 'app');

    expect(outcome.outcome).toBe('rolled-back');
    expect(outcome.evidence).toBeUndefined();
    expect(host.log()).toContain('cannot keep the evidence');
    expect(await host.runsInstalled('app')).toBe(true);
  });
});
