import { commandPath, runCommand } from '../../platform/command.ts';
import { type Schedule, schedulesOf } from '../../platform/schedule.ts';
import {
  findProgram,
  ignoredCrontabs,
  isAbsoluteIn,
  isSchedulerRunning,
  lastBegun,
  pathOf,
  schedulerOf,
} from '../../platform/schedule-facts.ts';
import { ago } from '../desk-words.ts';
import { type Check, fail, ok, type Patient, type Said, skip, warn } from './finding.ts';

export const SCHEDULE_CHECKS: readonly Check[] = [
  { name: 'schedule', look: lookAtSchedule },
  { name: 'last run', look: lookAtLastRun },
  { name: 'path', look: lookAtPath },
];

/** cron begins each minute, and a splay is below one. */
const RECENT_SECONDS = 180;
const PROGRAM = 'bin-proxy';
const STANDARD_PATH = commandPath('');

async function lookAtSchedule({ now, user }: Patient): Promise<readonly Said[]> {
  const schedules = await schedulesOf(PROGRAM, now);
  const ignored = await ignoredCrontabs(PROGRAM);
  const said: Said[] = [...ignored].map(([file, why]) =>
    fail(`cron ignores ${file}: ${why}`, 'Owner root, mode 0644, no dot in its name, a newline at its end.'),
  );
  const counted = schedules.filter(({ file }) => !ignored.has(file));
  if (counted.length === 0 && said.length === 0) {
    if (user === 'other') return [skip('none is seen; the crontab of root can be read by root alone')];
    return [fail('nothing starts bin-proxy on this host', 'sudo bin-proxy install --cron, or --timer')];
  }
  if (counted.length > 1) {
    const files = counted.map(({ file }) => file).join(', ');
    said.push(warn(`more than one starts it: ${files}`, 'One is enough: remove the others.'));
  }
  for (const schedule of counted) said.push(await saySchedule(schedule));
  return said;
}

async function saySchedule(schedule: Schedule): Promise<Said> {
  const told = `"${schedule.when}" (${schedule.file})`;
  const scheduler = schedulerOf(schedule);
  if (await isSchedulerRunning(scheduler)) return ok(told);
  const name = scheduler === 'cron' ? 'no cron is' : 'no systemd is';
  return fail(
    `${told}, but ${name} running here`,
    'systemctl enable --now cron (or crond); in a container, another schedule.',
  );
}

async function lookAtLastRun({ now }: Patient): Promise<readonly Said[]> {
  const schedules = await schedulesOf(PROGRAM, now);
  if (schedules.length === 0) return [skip('nothing starts it')];
  const times = await Promise.all(schedules.map((schedule) => lastBegun(schedule, now, runCommand)));
  const last = times
    .flatMap((time) => time ?? [])
    .toSorted((a, b) => a.getTime() - b.getTime())
    .at(-1);
  if (last === undefined) return [skip('neither journal nor syslog tells; an idle run leaves no trace of its own')];
  const seconds = (now.getTime() - last.getTime()) / 1000;
  const told = `began ${ago(last.toISOString(), now)}`;
  const isDue = schedules.some(({ next }) => next !== undefined) && seconds > RECENT_SECONDS;
  return [isDue ? fail(told, 'Is cron running, and does it read the file? systemctl status cron') : ok(told)];
}

/** What a schedule finds: by hand everything works, because a shell has a longer PATH. */
async function lookAtPath({ entries, now }: Patient): Promise<readonly Said[]> {
  const said: Said[] = [];
  const services = entries.some((entry) => entry.services.length > 0);
  for (const program of ['flock', ...(services ? ['supervisorctl'] : [])]) {
    if ((await findProgram(program, STANDARD_PATH)) !== undefined) continue;
    const ours = await findProgram(program, commandPath());
    const where = ours === undefined ? 'is not installed' : `is in ${ours}, where cron does not look`;
    said.push(fail(`${program} ${where}`, adviceFor(program)));
  }
  for (const schedule of await schedulesOf(PROGRAM, now)) said.push(...(await sayPath(schedule)));
  return said.length > 0 ? said : [ok('cron and systemd find all that is needed')];
}

function adviceFor(program: string): string {
  return program === 'flock' ? 'Install util-linux.' : `Install supervisor, or link ${program} into /usr/local/bin.`;
}

/** The program itself must be found by the schedule; what it starts is looked for in the standard places, too. */
async function sayPath(schedule: Schedule): Promise<readonly Said[]> {
  const path = await pathOf(schedule);
  if (await isAbsoluteIn(schedule, PROGRAM)) return [];
  const file = await findProgram(PROGRAM, path);
  const hint = `Write PATH=${STANDARD_PATH} into it, or link it into /usr/local/bin.`;
  if (file === undefined) return [fail(`${schedule.file} would not find ${PROGRAM} in ${path}`, hint)];
  const interpreter = await findProgram('node', path);
  const needsNode = process.execPath.endsWith('/node');
  if (!needsNode || interpreter !== undefined) return [];
  return [fail(`${schedule.file} would not find node in ${path}`, hint.replace('link it', 'link node'))];
}
