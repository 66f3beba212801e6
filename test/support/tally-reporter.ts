import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { isCi, isRoot, missingComponents } from './components.ts';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What did not pass at its first try, with what the first one said. */
  readonly flaky: readonly string[];
}

/** Ends the output with `N passed, N failed` on a line of its own, whatever happened before. */
export class TallyReporter implements Reporter {
  #tally: Tally = { passed: 0, failed: 0, skipped: 0, flaky: [] };

  /** Said as the very last thing: other reporters, and vitest itself, go on talking after a run has ended. */
  onInit(): void {
    process.once('exit', () => this.#say());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: ReturnType<TestCase['result']>['state']) =>
      tests.filter((test) => test.result().state === state).length;
    this.#tally = {
      passed: count('passed'),
      // A test that is still pending when the run has ended was never finished.
      failed: count('failed') + count('pending') + errorsOutsideTests(modules) + unhandled.length,
      skipped: count('skipped'),
      flaky: tests.filter((test) => test.diagnostic()?.flaky === true).map(flakeText),
    };
  }

  #say(): void {
    const { passed, skipped, flaky } = this.#tally;
    let { failed } = this.#tally;
    const lines: string[] = [...flaky];
    if (skipped > 0 && isCi) {
      lines.push(`Under CI no test may be skipped: ${skipped} count as failed.`);
      failed += skipped;
    } else if (skipped > 0) {
      lines.push(missingComponents() ?? `The skipped tests ${isRoot ? 'are marked so' : 'need root'}.`);
    }
    // Something ended the run that was no test: a set-up that threw, a worker that died.
    if (failed === 0 && (process.exitCode ?? 0) !== 0) failed = 1;
    if (failed > 0) process.exitCode ||= 1;
    const left = skipped > 0 && !isCi ? `, ${skipped} skipped` : '';
    process.stdout.write(`${[...lines, `${passed} passed, ${failed} failed${left}`].join('\n')}\n`);
  }
}

/** Nobody may overlook it: behind a test that fails now and then may stand a fault that strikes now and then. */
function flakeText(test: TestCase): string {
  const [first] = test.result().errors ?? [];
  const why = first?.message.split('\n', 1)[0] ?? 'no reason was given';
  const tries = (test.diagnostic()?.retryCount ?? 0) + 1;
  return `FLAKY, passed at try ${tries}: ${test.module.relativeModuleId} > ${test.fullName}\n    first: ${why}`;
}

/** A file that cannot be loaded, a hook that throws: their tests are not run, and would be missing without a word. */
function errorsOutsideTests(modules: readonly TestModule[]): number {
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  return suites.filter((suite) => suite.errors().length > 0).length;
}
