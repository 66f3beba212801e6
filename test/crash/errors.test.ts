import { describe, expect, it } from 'vitest';
import { has } from '../support/components.ts';
import { hostOf, QUICK, SCENARIOS } from './scenarios.ts';
import { callsOf, struck } from './strace.ts';
import { sweep } from './sweep.ts';
import { expectPutRight } from './verdict.ts';

const LIMIT_MS = 24 * 3_600_000;
const CODES = ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMFILE', 'EDQUOT'];
/** In a sweep every code at every point; in a sample one after the other. */
const rounds = process.env['SWEEP'] === 'all' ? CODES.map((_, index) => index) : [0];

describe.skipIf(!has('strace', 'supervisord', 'cc')).concurrent('an error of a mutating system call', () => {
  for (const scenario of SCENARIOS.filter(({ title }) => /^a (good|bad) update/.test(title))) {
    for (const round of rounds) {
      it(
        `of ${scenario.title}: the host stays whole, and a later tick gets there (round ${round + 1})`,
        async () => {
          const codeAt = (index: number) => CODES[(index + round) % CODES.length] ?? 'EIO';
          const swept = await sweep(scenario, (index) => ({ kind: 'error', code: codeAt(index) }));
          console.log(
            `${scenario.title}: an error at ${swept.struck} of ${swept.points} points, ${swept.missed} not reached`,
          );
          expect(swept.failures.join('\n\n'), `${swept.failures.length} of ${swept.struck} points`).toBe('');
          expect(swept.struck).toBeGreaterThan(0);
        },
        LIMIT_MS,
      );
    }
  }

  it.each([
    ['the journal', '/journal.json"', 'the journal cannot be removed'],
    ["the lock's owner", '.owner"', 'proven to run'],
  ])('of the removal of %s: what was proven is told as that (invariant 8)', async (_, file, told) => {
    const scenario = SCENARIOS.find(({ title }) => title === 'a good update');
    if (scenario === undefined) throw new Error('there is no such scenario');
    const host = await hostOf(scenario);
    try {
      await host.supervisor.start();
      await scenario.reset(host);
      const calls = await callsOf(host, { args: ['run'], settings: QUICK, trace: ['unlink'] });
      const nth = calls.findLastIndex(({ line }) => line.includes(file)) + 1;
      expect(nth, `unlink of ${file}`).toBeGreaterThan(0);
      await scenario.reset(host);
      const point = { call: 'unlink', nth };
      const code = await struck(host, {
        args: ['run'],
        settings: QUICK,
        point,
        strike: { kind: 'error', code: 'EIO' },
      });
      expect(code, host.log()).toBe(0);
      expect(host.log()).toContain(told);
      await expectPutRight({ host, scenario, label: `EIO at the removal of ${file}` });
    } finally {
      await host.remove();
    }
  });
});
