import type { Outcome } from '../domain/outcome.ts';
import { releaseId } from '../domain/release.ts';
import { installedText } from './decide.ts';
import type { Dependencies } from './dependencies.ts';
import type { PlannedChange, Transaction } from './transactions.ts';

/** How far one run may go. */
export interface Bounds {
  /** `go-on` is an operator's `--keep-going`. */
  readonly afterRollback: 'stop' | 'go-on';
  /** The most services that one run changes; absent: no bound. */
  readonly maxChanges?: number;
}

/** What a run has done until now. */
export interface SoFar {
  readonly outcomes: readonly Outcome[];
  /** Those of its own updates. What it has ended for an earlier run, or found on probation, stands in the others only. */
  readonly own: readonly Outcome[];
  /** Services that it has changed, also where they went back. */
  readonly services: ReadonlySet<string>;
}

/** Which members of a transaction have their turn, and what becomes of the others. */
export interface Turn {
  readonly go: readonly PlannedChange[];
  readonly putOff: readonly Outcome[];
}

interface Rules extends Bounds {
  readonly dependencies: Dependencies;
}

/**
 * Whether a transaction has its turn in this run. A bad release may be the first of several, so the first one that goes
 * back ends the changes of its run. Pure.
 */
export function turnOf(transaction: Transaction, soFar: SoFar, rules: Rules): Turn {
  const stopped = rollbackOf(soFar, rules) ?? boundOf(transaction, soFar, rules);
  const go: PlannedChange[] = [];
  const putOff: Outcome[] = [];
  for (const change of transaction) {
    const why = stopped ?? unmetOf(change, soFar, rules);
    if (why === undefined) go.push(change);
    else putOff.push(putOffOutcome(change, why));
  }
  return { go, putOff };
}

/**
 * What still goes where some members have dropped out of their transaction, since they could not be fetched or judged:
 * not those that depend on them. Pure.
 */
export function remaining(transaction: Transaction, left: readonly PlannedChange[]): Turn {
  const putOff: Outcome[] = [];
  let go = left;
  for (;;) {
    const there = new Set(go.map(({ entry }) => entry.name));
    const gone = new Set(transaction.map(({ entry }) => entry.name).filter((name) => !there.has(name)));
    const unmet = go.find(({ entry }) => entry.dependsOn?.some((name) => gone.has(name)) === true);
    if (unmet === undefined) return { go, putOff };
    const cause = unmet.entry.dependsOn?.find((name) => gone.has(name));
    putOff.push(putOffOutcome(unmet, `it depends on ${cause}, which could not be updated in this run`));
    go = go.filter((one) => one !== unmet);
  }
}

/** The services that a transaction has changed, where it came so far. */
export function servicesChanged(changes: readonly PlannedChange[], outcomes: readonly Outcome[]): readonly string[] {
  const live = new Set(outcomes.filter(({ outcome }) => outcome !== 'failed').map(({ name }) => name));
  return changes.filter(({ entry }) => live.has(entry.name)).flatMap(({ entry }) => entry.services);
}

function rollbackOf({ own }: SoFar, { afterRollback }: Bounds): string | undefined {
  const first = own.find(({ outcome }) => isRollback(outcome));
  if (afterRollback === 'go-on' || first === undefined) return undefined;
  return `${first.name} was rolled back, and this run changes nothing more; the next one goes on`;
}

function isRollback(outcome: Outcome['outcome']): boolean {
  return outcome === 'rolled-back' || outcome === 'rollback-failed';
}

/** The first one always has its turn, however many services it has: it would never come otherwise. */
function boundOf(transaction: Transaction, { services }: SoFar, { maxChanges }: Bounds): string | undefined {
  const after = new Set([...services, ...transaction.flatMap(({ entry }) => entry.services)]);
  if (maxChanges === undefined || services.size === 0 || after.size <= maxChanges) return undefined;
  if (after.size === services.size) return undefined;
  return `at most ${maxChanges} of the services are changed in one run (BIN_PROXY_MAX_CHANGES); the next one goes on`;
}

function unmetOf({ entry }: PlannedChange, { outcomes }: SoFar, { dependencies }: Rules): string | undefined {
  const needed = dependencies.get(entry.name);
  // What an earlier run had begun may have been taken back and updated anew since.
  const last = [...new Map(outcomes.map((one) => [one.name, one])).values()];
  const unmet = last.find((one) => needed?.has(one.name) === true && WORDS[one.outcome] !== undefined);
  if (unmet === undefined) return undefined;
  return `it depends on ${unmet.name}, which ${WORDS[unmet.outcome]} in this run`;
}

const WORDS: Partial<Record<Outcome['outcome'], string>> = {
  held: 'was put off',
  failed: 'failed',
  'rolled-back': 'was rolled back',
  'rollback-failed': 'could not be rolled back',
};

function putOffOutcome({ entry, decision, installed }: PlannedChange, detail: string): Outcome {
  const from = installedText(installed);
  return {
    name: entry.name,
    outcome: 'held',
    reason: 'put-off',
    detail,
    to: releaseId(decision.release),
    version: decision.release.version,
    ...(from !== undefined && { from }),
  };
}
