import { errorText, UpdateError } from '../domain/errors.ts';
import type { HealthSeen } from '../domain/health.ts';
import { inBoot, type Journal, journalFiles, withProcesses } from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Probation } from '../domain/probation.ts';
import type { ProcessSample } from '../planning/health.ts';
import { asksHealth, judgeHealth, judgeProbation, type ProbationVerdict } from '../planning/probation.ts';
import { bootId } from '../platform/processes.ts';
import { HealthWatch } from './health-watch.ts';
import { noteInJournal } from './journaling.ts';
import { healthChecks, unwatched } from './prove.ts';
import type { ActRoles } from './roles.ts';
import { rollBack } from './rollback.ts';
import { settled } from './services-before.ts';

/** Puts what was just proven on probation; an earlier one of the same binaries is over with it. */
export async function beginProbation(
  journal: Journal,
  processes: readonly ProcessSample[],
  { probations, limits, clock }: ActRoles,
): Promise<void> {
  const now = clock.now();
  const names = new Set(journal.changes.map(({ name }) => name));
  const others = (await probations.read()).filter((one) => !one.journal.changes.some(({ name }) => names.has(name)));
  const watched = processes.flatMap(({ process, pid, startTime }) => {
    return pid === undefined || startTime === undefined ? [] : [{ process, pid, startTime }];
  });
  const until = new Date(now.getTime() + limits.probationMs).toISOString();
  const own =
    watched.length === 0 || limits.probationMs === 0
      ? []
      : [{ journal, until, bootId: await bootId(), watched, restarts: 0 }];
  await probations.write([...others, ...own], now);
}

/** Looks closer at every release on probation, and goes back where one has turned out bad (invariant 5). */
export async function watchProbations(roles: ActRoles): Promise<readonly Outcome[]> {
  const { probations, log } = roles;
  const outcomes: Outcome[] = [];
  const left: Probation[] = [];
  const all = await probations.read();
  for (const [index, probation] of all.entries()) {
    const names = probation.journal.changes.map(({ name }) => name).join(', ');
    const { verdict, health } = await look(probation, roles);
    switch (verdict.kind) {
      case 'goes-on':
        left.push(verdict.probation);
        break;
      case 'passed':
        log.info(`${names}: probation is over`);
        break;
      case 'failed': {
        const trouble = new UpdateError({ reason: verdict.reason, fault: 'release' }, verdict.detail);
        const { reason, fault, message: detail } = trouble;
        // What an operator has stopped since is not in the journal, as everywhere else (invariant 7).
        const wanted = withProcesses(probation.journal, ({ process }) => !verdict.stopped.includes(process));
        const journal = inBoot(wanted, await bootId());
        // Off the list first: from here on the journal alone says what is to be done, and that it has failed.
        await noteInJournal({ ...journal, failed: { reason, fault, detail } }, roles);
        await list([...left, ...all.slice(index + 1)], roles);
        outcomes.push(...(await rollBack(journal, { ...unwatched(trouble), health }, roles)));
        // One journal, one rollback: what is stuck comes before whatever else has failed.
        if ((await roles.journal.read()).kind !== 'absent') return outcomes;
        break;
      }
    }
  }
  if (JSON.stringify(left) !== JSON.stringify(await probations.read())) await list(left, roles);
  return outcomes;
}

/** It may well be the release that fills the disk: it goes back all the same, and a list that stays is judged anew. */
async function list(left: readonly Probation[], { probations, clock, log }: ActRoles): Promise<void> {
  await probations.write(left, clock.now()).catch((error: unknown) => {
    log.error(`cannot note which releases are on probation: ${errorText(error)}`);
  });
}

interface Looked {
  readonly verdict: ProbationVerdict;
  /** What the programs said of themselves, where they were asked. */
  readonly health: readonly HealthSeen[];
}

async function look(probation: Probation, roles: ActRoles): Promise<Looked> {
  const { installer, clock, log } = roles;
  for (const file of journalFiles(probation.journal)) {
    // Somebody has replaced it since: there is nothing left of this release to judge.
    if ((await installer.inspect(file)).target !== file.next) return { verdict: { kind: 'passed' }, health: [] };
  }
  try {
    const names = probation.journal.services.map(({ service }) => service);
    const statuses = await settled(names, roles);
    const samples = [...statuses.values()].flatMap((status) => (status.kind === 'known' ? status.processes : []));
    const boot = await bootId();
    const verdict = judgeProbation(probation, { now: clock.now(), bootId: boot, samples });
    const runs = probation.watched.every(
      ({ process }) => samples.find((one) => one.process === process)?.state === 'running',
    );
    const isAsked = verdict.kind === 'passed' && runs && asksHealth(probation, boot);
    const looked = isAsked ? await atItsEnd(probation, samples, roles) : { verdict, health: [] };
    // A rollback is not begun where its services could not be stopped.
    if (looked.verdict.kind === 'failed') await roles.services.ready();
    return looked;
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    log.warn(`a release on probation cannot be judged: ${error.message}`);
    return { verdict: { kind: 'goes-on', probation }, health: [] };
  }
}

/** Only then: what idle ticks do must cost next to nothing (invariant 12). */
async function atItsEnd(probation: Probation, samples: readonly ProcessSample[], roles: ActRoles): Promise<Looked> {
  const watch = new HealthWatch(healthChecks(probation.journal), roles);
  const unwell = await watch.judge(() => roles.gate.mayBegin());
  const verdict = judgeHealth(probation, unwell && `${unwell.name}: ${unwell.detail}`, samples);
  if (verdict.kind === 'goes-on') roles.log.warn(`${unwell?.name}: its probation goes on: ${unwell?.detail}`);
  return { verdict, health: watch.seen };
}
