import { afterAll, describe, expect, it } from 'vitest';
import { has } from '../support/components.ts';
import { MutantBuilds, rottenness, runTests } from './mutant-builds.ts';
import { MUTANTS } from './mutants.ts';

const LIMIT_MS = 24 * 3_600_000;
const builds = new MutantBuilds();

afterAll(() => builds.remove());

describe('the table of mutants', () => {
  it('has not rotted: every one still applies at one place', () => {
    expect(MUTANTS.flatMap((mutant) => rottenness(mutant) ?? [])).toEqual([]);
  });

  it('has a name and a test for each', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.filter(({ caughtBy }) => caughtBy.length === 0)).toEqual([]);
  });
});

/** Tests that failed, by the last line of a run; a run that something else has ended has none. */
function failedIn(output: string): number {
  const tally = output.split('\n').findLast((line) => /^\d+ passed, \d+ failed/.test(line)) ?? '';
  return Number(/(\d+) failed/.exec(tally)?.[1] ?? 0);
}

/** `npm run test:mutants`: minutes, since each is tested on hosts of its own. Not asked for is not skipped. */
if (process.env['MUTANTS'] === 'all') {
  const pairs = MUTANTS.flatMap(({ caughtBy }) => caughtBy);
  const distinct = [...new Map(pairs.map((pair) => [pair.join(' > '), pair])).values()];

  describe.skipIf(!has('supervisord', 'cc', 'flock', 'strace'))('the program as it is', () => {
    it.each(distinct)(
      'passes %s > %s',
      async (file, title) => {
        const { passed, output } = await runTests(builds.control(), file, title);
        expect(passed, output).toBe(true);
      },
      LIMIT_MS,
    );
  });

  describe.skipIf(!has('supervisord', 'cc', 'flock', 'strace'))('the mutant', () => {
    const cases = MUTANTS.flatMap((mutant) =>
      mutant.caughtBy.map(([file, title]) => ({ ...mutant, file, title, mutant })),
    );
    it.each(cases)(
      '"$name" is caught by $file > $title',
      async ({ name, mutant, file, title }) => {
        const { passed, output } = await runTests(builds.mutant(mutant), file, title);
        console.log(`${passed ? 'SURVIVED' : 'caught'} | ${name} | ${file} | ${title}`);
        expect(passed, `it survived\n${output}`).toBe(false);
        expect(failedIn(output), output).toBeGreaterThan(0);
        // A machine that is too slow catches nothing.
        expect(output).not.toMatch(/Test timed out/);
      },
      LIMIT_MS,
    );
  });
}
