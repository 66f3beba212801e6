import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/components.ts'],
    reporters: ['default', new TallyReporter()],
    // Two a processor: most tests wait for a supervisord, and not for the processor.
    maxWorkers: 2 * availableParallelism(),
    sequence: { sequencer: SlowFirst },
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
