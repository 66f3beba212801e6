import { hostname } from 'node:os';
import type { ManifestEntry } from '../../domain/manifest.ts';
import { readManifest } from '../../store/manifest-file.ts';
import { parseManifest } from '../../store/manifest-parse.ts';
import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { type FoundSettings, findSettings, readSettings } from '../settings.ts';
import { terminal } from '../terminal.ts';
import { FILE_CHECKS } from './check-files.ts';
import { NETWORK_CHECKS } from './check-network.ts';
import { SCHEDULE_CHECKS } from './check-schedule.ts';
import { SERVICE_CHECKS } from './check-services.ts';
import { TARGET_CHECKS } from './check-targets.ts';
import { countsOf, type Finding, findingsOf, ok, type Patient, type Said, sayTrouble, skip, warn } from './finding.ts';
import { reportFindings } from './report-doctor.ts';

const CHECKS = [...FILE_CHECKS, ...NETWORK_CHECKS, ...SERVICE_CHECKS, ...TARGET_CHECKS, ...SCHEDULE_CHECKS];

/**
 * `bin-proxy doctor`: goes through the set-up of this host, side by side and for at most ten seconds each. Changes
 * nothing. Exits with 1 where something fails.
 */
export async function doctorCommand(invocation: Invocation): Promise<ExitCode> {
  const findings = await examine(invocation);
  const out = terminal(invocation.color);
  const counts = countsOf(findings);
  if (invocation.output === 'json') {
    out.line(
      JSON.stringify({
        schema: 'bin-proxy/doctor/1',
        host: hostname(),
        at: new Date().toISOString(),
        checks: findings,
        counts,
      }),
    );
  } else reportFindings(findings, invocation.volume, out);
  return counts.fail > 0 ? 1 : 0;
}

async function examine({ settings: flags }: Invocation): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const add = (check: string, said: readonly Said[]) =>
    findings.push(...said.map((one): Finding => ({ ...one, check })));
  let patient: Patient;
  try {
    const found = await findSettings({ flags, environment: process.env });
    const { settings } = await readSettings(found);
    add('config', sayConfig(found));
    const user = process.geteuid?.() === 0 ? 'root' : 'other';
    patient = { settings, found, entries: [], now: new Date(), user };
  } catch (error) {
    add('config', [sayTrouble(error)]);
    add('all else', [skip('not looked at before the settings are valid')]);
    return findings;
  }
  const { said, entries } = await examineManifest(patient);
  add('manifest', said);
  const rest = await Promise.all(CHECKS.map((check) => findingsOf(check, { ...patient, entries })));
  return [...findings, ...rest.flat()];
}

/** What a shell has in its environment cron has not: a set-up that works by hand alone is the commonest of all. */
function sayConfig({ configFile, configState, found, warnings }: FoundSettings): readonly Said[] {
  const ofShell = [...found.values()]
    .filter(({ rank }) => rank === 'environment')
    .map(({ from }) => from.split(' ')[0]);
  const set = [...found.values()].filter(({ rank }) => rank === 'config').length;
  return [
    configState === 'read'
      ? ok(`${configFile}: valid, ${set === 1 ? '1 setting' : `${set} settings`}`)
      : warn(`there is no ${configFile}: all settings are at their defaults`, 'sudo bin-proxy install writes one.'),
    ...warnings.map((text) => warn(text, 'Correct its name, or remove the line.')),
    ...(ofShell.length === 0
      ? []
      : [
          warn(
            `from the environment of this shell: ${ofShell.join(', ')}`,
            `Neither cron nor systemd has it: write it into ${configFile}.`,
          ),
        ]),
  ];
}

async function examineManifest({
  settings,
}: Patient): Promise<{ readonly said: readonly Said[]; readonly entries: readonly ManifestEntry[] }> {
  const { manifestFile: file, binDir } = settings;
  try {
    const { entries, warnings } = parseManifest(await readManifest(file), { file, binDir });
    const count = entries.length === 1 ? '1 binary' : `${entries.length} binaries`;
    const said =
      entries.length === 0
        ? warn(`${file}: valid, and names no binaries`, 'sudo bin-proxy manifest add NAME')
        : ok(`${file}: valid, ${count}`);
    const strangers = warnings.map((text) => warn(text, 'Correct the key, or leave it: it does nothing.'));
    return { said: [said, ...strangers], entries };
  } catch (error) {
    return { said: [sayTrouble(error)], entries: [] };
  }
}
