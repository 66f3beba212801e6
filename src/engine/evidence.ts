import { dirname } from 'node:path';
import { errorText } from '../domain/errors.ts';
import type { Evidence, LastWords } from '../domain/evidence.ts';
import { companionsOf, type Journal, type JournalChange } from '../domain/journal.ts';
import { hostFacts } from '../platform/host-facts.ts';
import type { FailedProof } from './prove.ts';
import type { ActRoles } from './roles.ts';

/** What is known of a rollback once it is over. */
export interface Gathered {
  readonly journal: Journal;
  readonly why: FailedProof;
  /** How long going back took. */
  readonly seconds: number;
  readonly words: readonly LastWords[];
}

/** What an outcome tells of the evidence. */
export interface Told {
  /** Path of the evidence. */
  readonly evidence?: string;
  readonly lastWords?: string;
}

/** Keeps what is needed to understand a rollback later. Evidence that cannot be kept stops nothing (invariant 8). */
export async function keepEvidence(change: JournalChange, gathered: Gathered, roles: ActRoles): Promise<Told> {
  const lastWords = endOfLogs(gathered.words);
  const said = lastWords === undefined ? {} : { lastWords };
  try {
    return { ...said, evidence: await roles.evidence.add(await gather(change, gathered, roles)) };
  } catch (error) {
    roles.log.error(`${change.name}: cannot keep the evidence of the rollback: ${errorText(error)}`);
    return said;
  }
}

async function gather(change: JournalChange, { journal, why, seconds, words }: Gathered, roles: ActRoles) {
  const { name, version, release, from, files } = change;
  const { reason, fault, message: detail } = why.trouble;
  const rejected = await Promise.all(files.map((file) => roles.installer.rejected(file)));
  const evidence: Evidence = {
    schema: 'bin-proxy/evidence/1',
    name,
    run: journal.run,
    at: roles.clock.now().toISOString(),
    version,
    release,
    ...(from !== undefined && { from }),
    reason,
    fault,
    detail,
    companions: companionsOf(journal, change),
    timings: { begun: journal.startedAt, rollbackSeconds: Math.round(seconds * 10) / 10 },
    states: why.seen,
    processes: words,
    ...(why.health.length > 0 && { health: why.health }),
    host: await hostFacts([...files.map(({ target }) => dirname(target)), ...roles.folders]),
    rejected: rejected.filter((path) => path !== undefined),
  };
  return evidence;
}

/** The line that most often says it all. It is what the log ends with, whoever wrote it. */
function endOfLogs(words: readonly LastWords[]): string | undefined {
  for (const stream of ['stderr', 'stdout'] as const) {
    for (const { process, [stream]: lines } of words) {
      const last = lines.at(-1);
      if (last !== undefined) return `${stream} of ${process} ends with "${last}"`;
    }
  }
  return undefined;
}
