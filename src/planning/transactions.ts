import type { PlannedBinary } from '../domain/plan.ts';

/** A planned binary that is to change. */
export type PlannedChange = PlannedBinary & {
  readonly decision: Extract<PlannedBinary['decision'], { kind: 'change' }>;
};

/** Binaries that go live together, because they share a service and cause one restart of it. */
export type Transaction = readonly [PlannedChange, ...PlannedChange[]];

export function isChange(binary: PlannedBinary): binary is PlannedChange {
  return binary.decision.kind === 'change';
}

/** Groups changes by shared service, in the manifest's order. Binaries without a service stand alone. */
export function transactions(changes: readonly PlannedChange[]): readonly Transaction[] {
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
