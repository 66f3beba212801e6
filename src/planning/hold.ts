import type { BinaryRecord, Hold } from '../domain/record.ts';
import { minute } from './minute.ts';

/** The hold that binds at this moment. */
export function holdInForce(record: BinaryRecord | undefined, now: Date): Hold | undefined {
  const hold = record?.hold;
  return hold?.until !== undefined && Date.parse(hold.until) <= now.getTime() ? undefined : hold;
}

/** Whose word holds it, both where an operator and the manifest do: `held by alice: the audit; and by the manifest: mine`. */
export function heldText(hold: Hold, manifestHold: string | undefined): string {
  return manifestHold === undefined ? holdText(hold) : `${holdText(hold)}; and by the manifest: ${manifestHold}`;
}

/** `held until 2026-11-22 10:00Z by alice: before the audit`, the same in every place that shows it. */
export function holdText({ by, until, reason }: Hold): string {
  const limit = until === undefined ? '' : ` until ${minute(until)}`;
  return `held${limit} by ${by}${reason === undefined ? '' : `: ${reason}`}`;
}
