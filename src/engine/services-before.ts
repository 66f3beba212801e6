import { UpdateError } from '../domain/errors.ts';
import type { JournalProcess, JournalService } from '../domain/journal.ts';
import type { ServiceName } from '../domain/names.ts';
import { intentOf, type ProcessSample } from '../planning/health.ts';
import type { Clock } from '../platform/clock.ts';
import type { Probe } from '../probes/probe.ts';
import type { ServiceManager, ServiceStatus } from '../services/service-manager.ts';

const SETTLE_MS = 15_000;
const SETTLE_POLL_MS = 500;

export interface ServiceRoles {
  readonly services: ServiceManager;
  readonly probe: Probe;
  readonly clock: Clock;
}

/** The files that belong under each service, as real paths. */
export type ManagedFiles = ReadonlyMap<ServiceName, readonly string[]>;

/** What a service was like before anything was touched. */
export type ServiceBefore =
  | { readonly kind: 'managed'; readonly service: JournalService }
  | { readonly kind: 'unmanaged' }
  | { readonly kind: 'unusable'; readonly error: UpdateError };

/**
 * Reads every service before the file is touched: what cannot be judged afterwards must not be changed now. `leftDown`
 * names processes that are stopped because this program could not start them again. Throws `UpdateError`
 * `supervisor-unreachable`.
 */
export async function servicesBefore(
  managed: ManagedFiles,
  leftDown: ReadonlySet<string>,
  roles: ServiceRoles,
): Promise<ReadonlyMap<ServiceName, ServiceBefore>> {
  const names = [...managed.keys()];
  const statuses = names.length === 0 ? new Map<ServiceName, ServiceStatus>() : await settled(names, roles);
  const result = new Map<ServiceName, ServiceBefore>();
  for (const name of names) {
    const status = statuses.get(name) ?? { kind: 'unknown' };
    const context = { targets: managed.get(name) ?? [], leftDown, probe: roles.probe };
    result.set(name, await before(name, status, context));
  }
  return result;
}

/** A process on its way up or down says nothing yet about what the operator wants. */
export async function settled(
  names: readonly ServiceName[],
  { services, clock }: Pick<ServiceRoles, 'services' | 'clock'>,
): Promise<ReadonlyMap<ServiceName, ServiceStatus>> {
  for (const deadline = clock.monotonicMs() + SETTLE_MS; ; await clock.sleep(SETTLE_POLL_MS)) {
    const statuses = await services.inspect(names);
    const moving = [...statuses.values()].some(
      (status) => status.kind === 'known' && status.processes.some(({ state }) => intentOf(state) === 'unsettled'),
    );
    if (!moving || clock.monotonicMs() > deadline) return statuses;
  }
}

interface Context {
  readonly targets: readonly string[];
  readonly leftDown: ReadonlySet<string>;
  readonly probe: Probe;
}

async function before(
  name: ServiceName,
  status: ServiceStatus,
  { targets, leftDown, probe }: Context,
): Promise<ServiceBefore> {
  if (status.kind === 'unmanaged') return { kind: 'unmanaged' };
  if (status.kind === 'unknown')
    return unusable('unknown-service', `supervisor knows no program "${name}"`, unknownHint(name));
  const unsettled = status.processes.find(({ state }) => intentOf(state) === 'unsettled');
  if (unsettled !== undefined) {
    return unusable('service-unsettled', `${unsettled.process} is ${unsettled.state.toUpperCase()} and stays so`);
  }
  const stopped = status.processes.filter(
    ({ state, process }) => intentOf(state) === 'stopped' && !leftDown.has(process),
  );
  const wanted = status.processes.filter((sample) => !stopped.includes(sample));
  const users = await probe.executing(wanted, targets);
  const processes = wanted.map((sample) => journalProcess(sample, users));
  const stranger = processes.length > 0 && processes.every(({ executed }) => executed === 'other');
  if (stranger) {
    const story = `${wanted.map(({ process }) => process).join(', ')} does not run ${targets.join(' or ')}`;
    return unusable('runs-another-file', `${story}: a restart would not bring the update live`, strangerHint(name));
  }
  return { kind: 'managed', service: { service: name, targets, processes } };
}

function journalProcess(sample: ProcessSample, users: ReadonlySet<string>): JournalProcess {
  const { process, pid, startTime, state } = sample;
  const running = intentOf(state) === 'running';
  return {
    process,
    before: running ? 'running' : 'failing',
    executed: !running ? 'unknown' : users.has(process) ? 'target' : 'other',
    ...(pid !== undefined && { pid }),
    ...(startTime !== undefined && { startTime }),
  };
}

function unusable(reason: UpdateError['reason'], message: string, hint?: string): ServiceBefore {
  const story = hint === undefined ? {} : { hint };
  return { kind: 'unusable', error: new UpdateError({ reason: reason, fault: 'setup' }, message, story) };
}

function unknownHint(name: string): string {
  return `Add [program:${name}] and run "supervisorctl update", or set "service" to its program ("group:*" for a group), or to false.`;
}

function strangerHint(name: string): string {
  return `Set "path" to the file that ${name} runs, or "service": false if it runs nothing of this entry.`;
}
