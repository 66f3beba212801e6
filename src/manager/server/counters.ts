import type { MetricFamily } from '../../platform/metrics-text.ts';

const MICROSECONDS = 1e6;

interface RouteCounts {
  /** By status. */
  readonly requests: Map<number, number>;
  bytes: number;
  seconds: number;
}

/** What has happened since the start. There are as many numbers as routes and statuses, whatever is asked for. */
export class Counters {
  readonly #routes = new Map<string, RouteCounts>();
  readonly #uploads = new Map<string, number>();
  #received = 0;

  request(
    label: string,
    { status, bytes, ms }: { readonly status: number; readonly bytes: number; readonly ms: number },
  ): void {
    let counts = this.#routes.get(label);
    if (counts === undefined) {
      counts = { requests: new Map(), bytes: 0, seconds: 0 };
      this.#routes.set(label, counts);
    }
    counts.requests.set(status, (counts.requests.get(status) ?? 0) + 1);
    counts.bytes += bytes;
    counts.seconds += ms / 1000;
  }

  upload(result: string): void {
    this.#uploads.set(result, (this.#uploads.get(result) ?? 0) + 1);
  }

  received(bytes: number): void {
    this.#received += bytes;
  }

  families(): readonly MetricFamily[] {
    const routes = [...this.#routes];
    return [
      {
        name: 'bin_manager_requests_total',
        help: 'Answered requests, by route and status; 499: the client went away.',
        type: 'counter',
        samples: routes.flatMap(([route, { requests }]) =>
          [...requests].map(([status, value]) => ({ labels: { route, status: String(status) }, value })),
        ),
      },
      perRoute(
        'bin_manager_sent_bytes_total',
        'Bytes sent, headers included.',
        routes.map(([route, { bytes }]) => [route, bytes]),
      ),
      perRoute(
        'bin_manager_request_seconds_total',
        'Time from a request to the end of its answer.',
        routes.map(([route, { seconds }]) => [route, seconds]),
      ),
      {
        name: 'bin_manager_uploads_total',
        help: 'Uploads, by what became of them.',
        type: 'counter',
        samples: [...this.#uploads].map(([result, value]) => ({ labels: { result }, value })),
      },
      single({
        name: 'bin_manager_received_bytes_total',
        type: 'counter',
        help: 'Bytes of uploads.',
        value: this.#received,
      }),
    ];
  }
}

/** A family of one number. */
export function single({ value, ...family }: Omit<MetricFamily, 'samples'> & { readonly value: number }): MetricFamily {
  return { ...family, samples: [{ labels: {}, value }] };
}

/** The process as Prometheus' own clients show theirs. */
export function processFamilies(): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const started = Date.now() / 1000 - process.uptime();
  return [
    single({
      name: 'process_resident_memory_bytes',
      type: 'gauge',
      help: 'Resident memory size in bytes.',
      value: process.memoryUsage.rss(),
    }),
    single({
      name: 'process_cpu_seconds_total',
      type: 'counter',
      help: 'User and system CPU time spent in seconds.',
      value: (user + system) / MICROSECONDS,
    }),
    single({
      name: 'process_start_time_seconds',
      type: 'gauge',
      help: 'Start time of the process since the epoch in seconds.',
      value: started,
    }),
  ];
}

function perRoute(name: string, help: string, values: readonly (readonly [string, number])[]): MetricFamily {
  return { name, help, type: 'counter', samples: values.map(([route, value]) => ({ labels: { route }, value })) };
}
