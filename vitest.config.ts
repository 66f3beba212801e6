import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { isCi } from './test/support/components.ts';
import { SlowFirst } from './test/support/slow-first.ts';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/components.ts'],
    reporters: ['default', new TallyReporter()],
    // Two a processor: most tests wait for a supervisord, and not for the processor.
    maxWorkers: 2 * availableParallelism(),
    // A machine that others share may stall for seconds; what needed its second try is told at the end. A property that
    // failed has drawn what breaks it, and might not draw it again.
    retry: { count: isCi ? 1 : 0, condition: /^(?!Property failed)/ },
    sequence: { sequencer: SlowFirst },
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
