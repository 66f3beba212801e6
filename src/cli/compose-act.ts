import { dirname, join } from 'node:path';
import type { BinaryName } from '../domain/names.ts';
import type { Settings } from '../domain/settings.ts';
import type { ActRoles, Gate, Progress } from '../engine/roles.ts';
import { InPlaceInstaller } from '../installers/in-place.ts';
import type { InstallationReader, Installer } from '../installers/installer.ts';
import type { Bounds } from '../planning/rollout.ts';
import { askedBy } from '../platform/asked-by.ts';
import { readCertificates, trusting } from '../platform/certificates.ts';
import { systemClock } from '../platform/clock.ts';
import { runCommand } from '../platform/command.ts';
import type { Log } from '../platform/log.ts';
import { CommandProbe } from '../probes/command.ts';
import { HttpProbe } from '../probes/http.ts';
import { ProcessProbe } from '../probes/process.ts';
import type { Reporter } from '../reports/reporter.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import { EvidenceStore } from '../store/evidence-store.ts';
import { History } from '../store/history.ts';
import { recordInManifest } from '../store/manifest-edit.ts';
import type { LookHalf } from './compose-look.ts';

const DOWNLOAD_IDLE_MS = 30_000;
/** Over so much waiting a download must reach the minimum rate: a short hitch is none. */
const RATE_WINDOW_MS = 60_000;
/** After supervisorctl has returned, a program that is not up by then will not be. */
const START_MS = 60_000;

export interface ActSurroundings {
  readonly settings: Settings;
  readonly services: ServiceManager;
  readonly log: Log;
  readonly progress: Progress;
  readonly reporter: Reporter;
  readonly gate: Gate;
  readonly run: string;
  readonly afterRollback: Bounds['afterRollback'];
}

/** What a tick needs only when there is something to do. */
export async function composeAct(look: LookHalf, around: ActSurroundings): Promise<ActRoles> {
  const { settings, services, log, progress, reporter, gate, run, afterRollback } = around;
  return {
    source: look.source,
    installer: composeInstaller(look.reader),
    services,
    probe: new ProcessProbe(services, systemClock),
    health: await healthProbe(settings),
    records: look.records,
    journal: look.journal,
    probations: look.probations,
    history: new History(settings.stateDir, await askedBy(process.env)),
    evidence: new EvidenceStore(settings.stateDir),
    folders: [
      settings.stateDir,
      join(settings.stateDir, 'binaries'),
      dirname(settings.manifestFile),
      dirname(settings.lockFile),
    ],
    recordProven: (name, proven) => recordInManifest(settings.manifestFile, name as BinaryName, proven),
    clock: systemClock,
    log,
    progress,
    reporter,
    gate,
    limits: {
      window: { stableMs: settings.stableSeconds * 1000, startMs: START_MS },
      probationMs: settings.probationSeconds * 1000,
      downloadMs: settings.timeoutSeconds * 1000,
      downloadIdleMs: DOWNLOAD_IDLE_MS,
      ...(settings.minRate > 0 && {
        downloadLeast: { bytes: (settings.minRate * RATE_WINDOW_MS) / 1000, ms: RATE_WINDOW_MS },
      }),
    },
    bounds: { afterRollback, ...(settings.maxChanges !== undefined && { maxChanges: settings.maxChanges }) },
    run,
  };
}

async function healthProbe({ caFile }: Settings): Promise<ActRoles['health']> {
  const trust = caFile === undefined ? {} : { secureContext: trusting(await readCertificates(caFile, new Date())) };
  const [http, command] = [new HttpProbe(trust), new CommandProbe(runCommand)];
  return (check) => (check.kind === 'http' ? http.ask(check) : command.ask(check));
}

export function composeInstaller(reader: InstallationReader): Installer {
  return new InPlaceInstaller(reader, runCommand);
}
