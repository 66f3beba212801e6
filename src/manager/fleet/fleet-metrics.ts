import type { MetricFamily, MetricSample } from '../../platform/metrics-text.ts';
import type { Overview } from './overview.ts';
import { HOST_STATES } from './standing.ts';

/** What the server counts of its own doing. */
export interface FleetCounts {
  readonly reports: Readonly<Record<string, number>>;
  readonly hosts: number;
  /** Changes that are not on disk. */
  readonly unsaved: number;
  /** Times that they could not be brought there. */
  readonly failures: number;
}

/** Versions of one binary that get a series of their own: labels are for few values, and hosts can claim any. */
const MAX_VERSIONS = 10;

/**
 * Numbers about the hosts. Only binaries that are published here get a label, and of their versions the most frequent:
 * no report can make series without end.
 */
export function fleetMetrics(overview: Overview, counts: FleetCounts): readonly MetricFamily[] {
  const published = overview.binaries.filter(({ offered }) => offered !== undefined);
  return [
    gauge('bin_manager_hosts', 'Hosts that are known.', [{ labels: {}, value: counts.hosts }]),
    gauge(
      'bin_manager_hosts_in_state',
      'Hosts by state. A host can be in several; one that is ok or lost is in no other.',
      HOST_STATES.map((state) => ({ labels: { state }, value: overview.states[state] })),
    ),
    gauge(
      'bin_manager_binary_hosts',
      'Hosts by binary and standing, compared with the channel that they follow.',
      published.flatMap(({ name, standings }) =>
        Object.entries(standings).map(([standing, value]) => ({ labels: { binary: name, standing }, value })),
      ),
    ),
    gauge(
      'bin_manager_version_hosts',
      'Hosts by binary and the version that they run, without those that are lost.',
      published.flatMap(({ name, versions }) => versionSamples(name, versions)),
    ),
    ...ownFamilies(counts),
  ];
}

function ownFamilies({ reports, unsaved, failures }: FleetCounts): readonly MetricFamily[] {
  const taken = Object.entries(reports).map(([kind, value]) => ({ labels: { kind }, value }));
  return [
    counter('bin_manager_reports_total', 'Reports that hosts have sent.', taken),
    gauge('bin_manager_fleet_unsaved_changes', 'What hosts have reported and is not on disk yet.', [
      { labels: {}, value: unsaved },
    ]),
    counter(
      'bin_manager_fleet_write_failures_total',
      'Times that what hosts have reported could not be written to disk.',
      [{ labels: {}, value: failures }],
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, help, type: 'gauge', samples };
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, help, type: 'counter', samples };
}

function versionSamples(binary: string, versions: Overview['binaries'][number]['versions']): readonly MetricSample[] {
  const named = versions.filter(([version]) => version !== 'others').slice(0, MAX_VERSIONS);
  const all = versions.reduce((sum, [, hosts]) => sum + hosts, 0);
  const others = all - named.reduce((sum, [, hosts]) => sum + hosts, 0);
  const samples = named.map(([version, value]) => ({ labels: { binary, version }, value }));
  return others === 0 ? samples : [...samples, { labels: { binary, version: 'others' }, value: others }];
}
