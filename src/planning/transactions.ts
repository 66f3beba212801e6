import type { PlannedBinary } from '../domain/plan.ts';
import { type Dependencies, NO_DEPENDENCIES } from './dependencies.ts';

/** A planned binary that is to change. */
export type PlannedChange = PlannedBinary & {
  readonly decision: Extract<PlannedBinary['decision'], { kind: 'change' }>;
};

/** Binaries that go live together, because they share a service and cause one restart of it. */
export type Transaction = readonly [PlannedChange, ...PlannedChange[]];

export function isChange(binary: PlannedBinary): binary is PlannedChange {
  return binary.decision.kind === 'change';
}

/**
 * Groups changes by shared service. Binaries without a service stand alone. In the manifest's order, but what others
 * depend on goes first.
 */
export function transactions(
  changes: readonly PlannedChange[],
  dependencies: Dependencies = NO_DEPENDENCIES,
): readonly Transaction[] {
  return inOrder(grouped(changes), dependencies);
}

function grouped(changes: readonly PlannedChange[]): readonly Transaction[] {
  const groups: { members: PlannedChange[]; services: Set<string> }[] = [];
  for (const change of changes) {
    const shared = groups.filter((group) => change.entry.services.some((service) => touches(group.services, service)));
    const [first, ...others] = shared;
    if (first === undefined) {
      groups.push({ members: [change], services: new Set(change.entry.services) });
      continue;
    }
    first.members.push(change);
    for (const service of change.entry.services) first.services.add(service);
    for (const other of others) {
      first.members.push(...other.members);
      for (const service of other.services) first.services.add(service);
      groups.splice(groups.indexOf(other), 1);
    }
  }
  return groups.flatMap(({ members }) => {
    const [first, ...rest] = changes.filter((change) => members.includes(change));
    return first === undefined ? [] : [[first, ...rest] as const];
  });
}

/** Two that need each other, because each has a member that the other's depends on, keep the manifest's order. */
function inOrder(all: readonly Transaction[], dependencies: Dependencies): readonly Transaction[] {
  const left = [...all];
  const ordered: Transaction[] = [];
  while (left.length > 0) {
    const free = left.findIndex((one) => !left.some((other) => other !== one && needs(one, other, dependencies)));
    ordered.push(...left.splice(Math.max(free, 0), 1));
  }
  return ordered;
}

function needs(one: Transaction, other: Transaction, dependencies: Dependencies): boolean {
  return one.some((a) => other.some((b) => dependencies.get(a.entry.name)?.has(b.entry.name) === true));
}

/** Whether two services may have a process in common: `web:*` and `web` have one with `web:1`, `web:2` has not. */
export function mayShareProcess(a: string, b: string): boolean {
  const [groupOfA, programOfA] = a.split(':');
  const [groupOfB, programOfB] = b.split(':');
  if (groupOfA !== groupOfB) return false;
  return programOfA === programOfB || [programOfA, programOfB].some((one) => one === undefined || one === '*');
}

function touches(services: ReadonlySet<string>, service: string): boolean {
  return [...services].some((other) => mayShareProcess(other, service));
}
