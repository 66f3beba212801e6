import { describe, expect, it } from 'vitest';
import { has } from '../support/components.ts';
import { SCENARIOS } from './scenarios.ts';
import { sweep } from './sweep.ts';

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
});
