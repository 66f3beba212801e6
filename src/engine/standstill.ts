import type { Plan, PlannedBinary, ReportsWish } from '../domain/plan.ts';
import { everyOf } from '../platform/optimizer.ts';
import type { SeenTarget, Standstill } from '../store/standstill-file.ts';
import type { LookRoles } from './look.ts';

type Roles = Pick<LookRoles, 'source' | 'reader'>;

/** What a standstill does not show by itself: whether the server wants to be told of this host. */
export interface Still {
  readonly reports: ReportsWish;
}

/**
 * Whether everything is as it was when a look found nothing to do: then another look would find the same. It is asked
 * instead of a look, and costs one question, and a stat for each target (invariant 12). Undefined where something has
 * changed, or may have: the look itself has to say.
 */
export async function standsStill(
  { mark, targets }: Standstill,
  { source, reader }: Roles,
): Promise<Still | undefined> {
  const isAsSeen = everyOf(targets, ([target, fingerprint]) => reader.fingerprint(target) === fingerprint);
  return isAsSeen ? source.still(mark) : undefined;
}

/**
 * What the next ticks may compare, or undefined where this plan rests on more than what the source said and what lies at
 * the targets: on the past, on the time, on an answer that the source has to be asked for again.
 */
export function standstillOf(
  key: string,
  { mark, binaries }: Plan,
  { reader }: Pick<Roles, 'reader'>,
): Standstill | undefined {
  if (mark === undefined) return undefined;
  const targets: SeenTarget[] = [];
  for (const target of binaries.flatMap(targetsOf)) {
    const fingerprint = target === undefined ? undefined : reader.fingerprintRead(target);
    if (target === undefined || fingerprint === undefined) return undefined;
    targets.push([target, fingerprint]);
  }
  return { key, mark, targets };
}

/** Of a binary that is up to date, its files; of one that the manifest holds, none; of any other, one that is not known. */
function targetsOf({ entry, decision }: PlannedBinary): readonly (string | undefined)[] {
  if (entry.hold !== undefined) return [];
  return decision.kind === 'up-to-date' ? decision.release.artifacts.map(({ target }) => target) : [undefined];
}
