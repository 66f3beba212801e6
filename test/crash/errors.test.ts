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

  it('of the removal of the journal: what was proven is told as that (invariant 8)', async () => {
    const scenario = SCENARIOS.find(({ title }) => title === 'a good update');
    if (scenario === undefined) throw new Error('there is no such scenario');
    const host = await hostOf(scenario);
    try {
      await host.supervisor.start();
      await scenario.reset(host);
      const calls = await callsOf(host, { args: ['run'], settings: QUICK, trace: ['fsync', 'unlink'] });
      const removed = calls.findIndex(({ call, line }) => call === 'unlink' && line.includes('/journal.json"'));
      const after = calls.slice(0, removed + 2);
      expect(after.at(-1)).toMatchObject({ call: 'fsync' });
      const point = { call: 'fsync', nth: after.filter(({ call }) => call === 'fsync').length };
      await scenario.reset(host);
      const code = await struck(host, {
        args: ['run'],
        settings: QUICK,
        point,
        strike: { kind: 'error', code: 'EIO' },
      });
      expect(code, host.log()).toBe(0);
      expect(host.log()).toContain('the journal cannot be removed');
      await expectPutRight({ host, scenario, label: 'EIO at the removal of the journal' });
    } finally {
      await host.remove();
    }
  });
});
