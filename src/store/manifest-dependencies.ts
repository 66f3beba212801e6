import { findNodeAtLocation, type Node } from 'jsonc-parser';
import { nearestName } from '../domain/names.ts';
import { cycleOf, type Dependent } from '../planning/dependencies.ts';

/** Something that is wrong with the text of a manifest. */
export interface Problem {
  readonly offset: number;
  readonly text: string;
}

interface PlacedDependent extends Dependent {
  readonly dependsOn: readonly string[];
  /** Its place in the list of binaries. */
  readonly index: number;
  /** Where each name of `dependsOn` stands. */
  readonly nodes: readonly Node[];
}

/** Names that no entry has, and circles: an order of updates that begins nowhere. Each circle is told once. */
export function dependencyProblems(entries: readonly Node[]): readonly Problem[] {
  const all = entries.map(dependentOf).filter((one) => one !== undefined);
  const names = all.map(({ name }) => name);
  const unknown = all.flatMap(({ index, nodes }) =>
    nodes.flatMap((node, at) => {
      if (names.includes(String(node.value))) return [];
      const near = nearestName(String(node.value), names);
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      const text = `${where(index, at)}: must name a binary of this manifest (is "${String(node.value)}"${meant})`;
      return [{ offset: node.offset, text }];
    }),
  );
  return [...unknown, ...circles(all)];
}

function circles(all: readonly PlacedDependent[]): readonly Problem[] {
  const told = new Set<string>();
  return all.flatMap(({ name, index, dependsOn, nodes }) => {
    const cycle = told.has(name) ? undefined : cycleOf(name, all);
    for (const member of cycle ?? []) told.add(member);
    const at = dependsOn.indexOf(cycle?.[1] ?? '');
    const node = nodes[at];
    if (cycle === undefined || node === undefined) return [];
    return [{ offset: node.offset, text: `${where(index, at)}: must not lead back (is ${cycle.join(' -> ')})` }];
  });
}

function where(index: number, at: number): string {
  return `binaries[${index}].dependsOn[${at}]`;
}

/** What is no text is told by the schema. */
function dependentOf(entry: Node, index: number): PlacedDependent | undefined {
  const name: unknown = findNodeAtLocation(entry, ['name'])?.value;
  const nodes = (findNodeAtLocation(entry, ['dependsOn'])?.children ?? []).filter(({ type }) => type === 'string');
  if (typeof name !== 'string') return undefined;
  return { name, index, nodes, dependsOn: nodes.map(({ value }) => String(value)) };
}
