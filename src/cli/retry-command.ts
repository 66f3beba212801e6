import { hostname } from 'node:os';
import type { BinaryRecord } from '../domain/record.ts';
import { releaseNames } from '../domain/release.ts';
import { holdInForce, holdText } from '../planning/hold.ts';
import { minute } from '../planning/minute.ts';
import { type Lifted, liftPast } from '../planning/retry.ts';
import { printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import { changeRecords } from './desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { brief } from './report-run.ts';
import { beginTick, type Tick } from './tick.ts';

/** What `retry` has found out about one binary. */
interface Retried {
  readonly name: string;
  /** What is offered, as `releaseNames` writes it; absent: the server did not say. */
  readonly offered?: string;
  readonly lifted: readonly Lifted[];
  /** Why the next tick will not try it all the same. */
  readonly held?: string;
}

/**
 * `bin-proxy retry`: the next tick tries the release that is offered, whatever became of it here before. Where no server
 * says which one that is, what is held against any of them is lifted.
 */
export async function retryCommand(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const { answers } = await tick.half.source.ask(tick.entries);
  const now = new Date();
  const retried: Retried[] = [];
  await changeRecords(tick, (record) => {
    const answer = answers.get(record.name);
    const offered = answer?.kind === 'offered' ? releaseNames(answer.release) : undefined;
    const { record: after, lifted } = liftPast(record, offered, now);
    const held = whyHeld(record, tick, now);
    retried.push({
      name: record.name,
      lifted,
      ...(offered !== undefined && { offered }),
      ...(held !== undefined && { held }),
    });
    return after;
  });
  tell(retried, tick, now);
  return 0;
}

function whyHeld(record: BinaryRecord, { entries }: Tick, now: Date): string | undefined {
  const hold = holdInForce(record, now);
  if (hold !== undefined) return holdText(hold);
  const text = entries.find(({ name }) => name === record.name)?.hold;
  return text === undefined ? undefined : `held by the manifest: ${text}`;
}

function tell(retried: readonly Retried[], { invocation, out }: Tick, now: Date): void {
  if (invocation.output === 'json') {
    const document = { schema: 'bin-proxy/retry/1', host: hostname(), at: now.toISOString(), binaries: retried };
    out.data(JSON.stringify(document));
    return;
  }
  for (const one of retried) {
    for (const text of sentences(one)) out.line(printableText(`${one.name}  ${text}`));
  }
}

function sentences({ lifted, offered, held }: Retried): readonly string[] {
  const whose = offered === undefined ? 'any release (the server does not say which is offered)' : brief(idOf(offered));
  const texts = lifted.map(({ kind, release, until, detail }) => {
    const limit = until === undefined ? '' : ` until ${minute(until)}`;
    return `${brief(idOf(release))} ${LIFTED[kind]}${limit}: ${detail}`;
  });
  if (texts.length === 0) texts.push(`nothing was held against ${whose}`);
  else if (held === undefined) texts.push('lifted: the next run tries it');
  return held === undefined ? texts : [...texts, `but it is ${held}; "bin-proxy unhold" first`];
}

const LIFTED = {
  quarantined: 'was quarantined',
  'backing-off': 'was backing off',
  'left-by-operator': 'was left alone',
};

function idOf(names: string): string {
  return names.split(' ', 1)[0] ?? names;
}
