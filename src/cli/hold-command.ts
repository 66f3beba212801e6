import { hostname } from 'node:os';
import { RunError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryRecord, Hold } from '../domain/record.ts';
import { heldText, holdInForce, holdText } from '../planning/hold.ts';
import { timeFrom } from '../planning/time-text.ts';
import { printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import { changeRecords, operator } from './desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { beginTick, type Tick } from './tick.ts';

/** What became of one binary: the hold before, and the one now. */
interface Held {
  readonly entry: ManifestEntry;
  readonly before?: Hold | undefined;
  readonly now?: Hold | undefined;
}

/** `bin-proxy hold` and `unhold`: an operator's word, kept in the record until its time is up or it is taken back. */
export async function holdCommand(invocation: Invocation): Promise<ExitCode> {
  const now = new Date();
  const hold = invocation.command === 'hold' ? holdOf(invocation, now) : undefined;
  const tick = await beginTick(invocation);
  const before = new Map<string, Hold | undefined>();
  await changeRecords(tick, (record) => {
    before.set(record.name, holdInForce(record, now));
    return withHold(record, hold);
  });
  const held = tick.entries.map((entry): Held => ({ entry, before: before.get(entry.name), now: hold }));
  tell(held, tick, now);
  return 0;
}

function holdOf({ wishes }: Invocation, now: Date): Hold {
  const { until, reason } = wishes;
  const end = until === undefined ? undefined : endOf(until, now);
  return {
    by: operator(),
    since: now.toISOString(),
    ...(end !== undefined && { until: end.toISOString() }),
    ...(reason !== undefined && { reason }),
  };
}

function endOf(text: string, now: Date): Date {
  const end = timeFrom(text, now, 'ahead');
  const hint = 'Say for how long (30m, 2h, 3d, 1w), or until when (2030-01-31, 2030-01-31T10:00, 2030-01-31T10:00Z).';
  if (end === undefined) throw new RunError('usage', `expected a time in --until, found "${text}"`, { hint });
  if (end <= now)
    throw new RunError('usage', `expected a time to come in --until, found ${end.toISOString()}`, { hint });
  return end;
}

/** A record without a hold that shall have none is left as it is. */
function withHold(record: BinaryRecord, hold: Hold | undefined): BinaryRecord {
  if (hold !== undefined) return { ...record, hold };
  if (record.hold === undefined) return record;
  const { hold: _, ...rest } = record;
  return rest;
}

function tell(held: readonly Held[], { invocation, out }: Tick, now: Date): void {
  if (invocation.output === 'text') {
    for (const one of held) out.line(printableText(`${one.entry.name}  ${sentence(one)}`));
    return;
  }
  const document = {
    schema: 'bin-proxy/hold/1',
    host: hostname(),
    at: now.toISOString(),
    binaries: held.map(({ entry, before, now: hold }) => ({
      name: entry.name,
      ...(hold !== undefined && { hold }),
      ...(before !== undefined && { before }),
      ...(entry.hold !== undefined && { manifestHold: entry.hold }),
    })),
  };
  out.data(JSON.stringify(document));
}

function sentence({ entry, before, now }: Held): string {
  if (now !== undefined)
    return `${heldText(now, entry.hold)}${before === undefined ? '' : ` (before: ${holdText(before)})`}`;
  const was = before === undefined ? 'was not held' : `no longer held (was ${holdText(before)})`;
  return entry.hold === undefined ? was : `${was}; still held by the manifest: ${entry.hold}`;
}
