import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders of tests that wait for programs. */
const SLOW = /^(bench|config|contracts|crash|e2e|hostile|manager)\//;

/** Begins with the tests that take long: one of them alone at the end would keep all but one processor idle. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (SLOW.test(relative('test', moduleId)) ? 0 : 1);
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
