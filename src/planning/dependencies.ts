/** What depends on others, as far as it says so itself. */
export interface Dependent {
  readonly name: string;
  readonly dependsOn?: readonly string[];
}

/** By name: everything it depends on, also through others. */
export type Dependencies = ReadonlyMap<string, ReadonlySet<string>>;

export const NO_DEPENDENCIES: Dependencies = new Map();

export function dependenciesOf(all: readonly Dependent[]): Dependencies {
  const direct = new Map(all.map(({ name, dependsOn = [] }) => [name, dependsOn]));
  return new Map(all.map(({ name }) => [name, reachable(name, direct)]));
}

/** A way from one back to itself, with it at both ends; undefined where there is none. */
export function cycleOf(name: string, all: readonly Dependent[]): readonly string[] | undefined {
  const direct = new Map(all.map((one) => [one.name, one.dependsOn ?? []]));
  const seen = new Set<string>();
  const ways = [[name]];
  for (const way of ways) {
    for (const next of direct.get(way.at(-1) ?? '') ?? []) {
      if (next === name) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function reachable(name: string, direct: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const due = [...(direct.get(name) ?? [])];
  for (const next of due) {
    if (!found.has(next)) due.push(...(direct.get(next) ?? []));
    found.add(next);
  }
  return found;
}
