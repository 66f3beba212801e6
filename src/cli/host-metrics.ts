import { digestText } from '../domain/digest.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ReportedBinary } from '../domain/reported.ts';
import { VERSION } from '../domain/version.ts';
import { readText, writeDurably } from '../platform/files.ts';
import { type MetricFamily, metricsText } from '../platform/metrics-text.ts';

import { reportedBinaries } from './reported-binaries.ts';
import type { Tick } from './tick.ts';

/** What a run ends with. */
export interface Ended {
  readonly outcomes: readonly Outcome[];
  readonly exitCode: number;
}

/** node_exporter runs as a user of its own. */
const READABLE = 0o644;
const EXIT_CODE_SAMPLE = /^bin_proxy_exit_code .*$/m;

/**
 * Writes the file for node_exporter's textfile collector, whole, and only where it would say something else than it does:
 * a tick on which nothing has changed writes nothing (invariant 12). Throws what the file system does.
 */
export async function writeHostMetrics(
  file: string,
  ended: Ended,
  tick: Pick<Tick, 'half' | 'entries'>,
): Promise<void> {
  const text = metricsText(hostFamilies(await reportedBinaries(tick, ended.outcomes), ended.exitCode));
  if ((await readText(file)) === text) return;
  await writeDurably(file, text, READABLE);
}

/**
 * Writes how a run ended that could not look: the exit code alone. What the file says of the binaries is what was known
 * last, and stays. Throws what the file system does.
 */
export async function writeExitCode(file: string, exitCode: number): Promise<void> {
  const former = await readText(file);
  const hasSample = former !== undefined && EXIT_CODE_SAMPLE.test(former);
  const text = hasSample
    ? former.replace(EXIT_CODE_SAMPLE, `bin_proxy_exit_code ${exitCode}`)
    : metricsText(hostFamilies([], exitCode));
  if (former !== text) await writeDurably(file, text, READABLE);
}

function hostFamilies(binaries: readonly ReportedBinary[], exitCode: number): readonly MetricFamily[] {
  const gauge = (name: string, help: string, samples: MetricFamily['samples']): MetricFamily => {
    return { name, help, type: 'gauge', samples };
  };
  return [
    gauge('bin_proxy_build_info', 'The version of bin-proxy.', [{ labels: { version: VERSION }, value: 1 }]),
    gauge('bin_proxy_exit_code', 'Exit code of the last run.', [{ labels: {}, value: exitCode }]),
    gauge(
      'bin_proxy_binary_state',
      'How a binary does; 1 for the state it is in.',
      binaries.map(({ name, state }) => ({ labels: { name, state }, value: 1 })),
    ),
    gauge(
      'bin_proxy_binary_since_timestamp_seconds',
      'Since when it is in that state, where that is known.',
      binaries.flatMap(({ name, since }) => {
        return since === undefined ? [] : [{ labels: { name }, value: Math.floor(Date.parse(since) / 1000) }];
      }),
    ),
    gauge(
      'bin_proxy_binary_info',
      'What is installed, where that is known.',
      binaries.flatMap(({ name, running }) => {
        if (running === undefined) return [];
        return [{ labels: { name, version: running.version ?? '', digest: digestText(running.digests[0]) }, value: 1 }];
      }),
    ),
  ];
}
