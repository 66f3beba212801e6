import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import { minute } from '../../planning/minute.ts';
import { deadTemporaries, orUndefined } from '../../platform/files.ts';
import { lockOwner, ownerText } from '../../platform/lock-owner.ts';
import { distrust } from '../../platform/trust.ts';
import { JournalStore } from '../../store/journal-file.ts';
import { RecordStore } from '../../store/records.ts';
import { bytes, span } from '../desk-words.ts';
import type { SettingKey } from '../settings-table.ts';
import { type Check, fail, ok, type Patient, type Said, skip, warn } from './finding.ts';

/** An update proves for seconds and downloads for minutes: who holds the lock for longer hangs. */
const LONG_LOCK_SECONDS = 3600;
/** A year of a busy host. */
const LARGE_LOG_BYTES = 100_000_000;
const OTHERS_READ = 0o044;

export const FILE_CHECKS: readonly Check[] = [
  { name: 'rights', look: lookAtRights },
  { name: 'state', look: lookAtState },
  { name: 'lock', look: lookAtLock },
  { name: 'log', look: lookAtLog },
];

/** Whoever can write one of these decides what root runs (platform/trust.ts); every run refuses them. */
async function lookAtRights({ settings, found, entries, user }: Patient): Promise<readonly Said[]> {
  if (user === 'other')
    return [skip('whom the files belong to matters to root alone; run as root to have it looked at')];
  const { manifestFile, stateDir, lockFile, caFile } = settings;
  const targets = entries.map(({ path }) => dirname(path));
  const certificates = caFile === undefined ? [] : [caFile];
  const ours = new Set([found.configFile, manifestFile, stateDir, dirname(lockFile), ...certificates, ...targets]);
  const advice = 'Give it to root and let nobody else write it (chown root, chmod go-w), and the directories above it.';
  const refused = await Promise.all(
    [...ours].map(async (path) => {
      const why = await distrust(path);
      return why === undefined ? [] : [fail(`${path} must not be trusted: ${why}`, advice)];
    }),
  );
  const said = [...refused, await secrets(settings.token, found)].flat();
  return said.length === 0 ? [ok('nobody but root can change what root runs')] : said;
}

/** A token that everybody on the host can read is everybody's, and so is the address of a ping. */
async function secrets(token: string | undefined, { configFile, found }: Patient['found']): Promise<readonly Said[]> {
  const inConfig = (key: SettingKey) => (found.get(key)?.rank === 'config' ? found.get(key)?.value : undefined);
  const holding =
    (['token', 'pingUrl'] as const).some((key) => inConfig(key) !== undefined) ||
    (['httpProxy', 'httpsProxy', 'allProxy'] as const).some((key) => inConfig(key)?.includes('@') === true);
  const tokenFile = found.get('tokenFile')?.value;
  const files = [
    ...(holding ? [configFile] : []),
    ...(token !== undefined && tokenFile !== undefined ? [tokenFile] : []),
  ];
  const said = await Promise.all(
    files.map(async (file) => {
      const stats = await orUndefined(stat(file));
      if (stats === undefined || (stats.mode & OTHERS_READ) === 0) return [];
      return [warn(`${file} holds a secret, and others than its owner may read it`, `chmod 600 ${file}`)];
    }),
  );
  return said.flat();
}

/** Journal and records as the next run will find them. */
async function lookAtState({ settings: { stateDir }, entries }: Patient): Promise<readonly Said[]> {
  if ((await orUndefined(stat(stateDir))) === undefined) return [await unborn(stateDir)];
  const journal = await new JournalStore(stateDir).read();
  const { byName, damaged } = await new RecordStore(stateDir).read(entries.map(({ name }) => name));
  const said: Said[] = [];
  if (journal.kind === 'damaged')
    said.push(
      warn(`the journal is damaged: ${journal.why}`, 'The next run moves it aside and judges by what lies on disk.'),
    );
  if (journal.kind === 'read')
    said.push(warn(`run ${journal.value.run} left an update unfinished`, 'The next run takes it up first.'));
  for (const [name, why] of damaged)
    said.push(warn(`the record of ${name} is damaged: ${why}`, 'The next change of it writes it anew.'));
  for (const { name, last } of byName.values())
    if (last?.outcome === 'rollback-failed')
      said.push(fail(`a rollback of ${name} has failed at ${minute(last.at)}`, `bin-proxy explain ${name}`));
  const dead = deadTemporaries(stateDir).length;
  if (dead > 0)
    said.push(warn(`${dead} files in ${stateDir} were left by runs that died`, 'The next run removes them.'));
  const trouble = await whyNotWritable(stateDir);
  if (trouble !== undefined) said.push(trouble);
  return said.length > 0 ? said : [ok(`${stateDir}: whole`)];
}

async function unborn(stateDir: string): Promise<Said> {
  const above = await nearestThere(stateDir);
  return (await whyNotWritable(above)) ?? ok(`${stateDir}: not there yet; the first run makes it`);
}

async function nearestThere(path: string): Promise<string> {
  const stats = await orUndefined(stat(path));
  return stats !== undefined || dirname(path) === path ? path : nearestThere(dirname(path));
}

/** For anybody but root it says little: cron runs as root. */
async function whyNotWritable(path: string): Promise<Said | undefined> {
  try {
    await access(path, constants.W_OK);
    return undefined;
  } catch (error) {
    if (process.geteuid?.() !== 0 && systemCode(error) === 'EACCES')
      return skip(`${path} cannot be written by this user; run as root to have it looked at`);
    return fail(`${path} cannot be written (${systemCode(error)})`, 'Mount it read-write, and see lsattr -d.');
  }
}

async function lookAtLock({ settings: { lockFile }, now }: Patient): Promise<readonly Said[]> {
  const owner = await lockOwner(lockFile);
  if (owner === undefined) return [ok(`${lockFile}: free`)];
  const seconds = owner.since === undefined ? 0 : (now.getTime() - Date.parse(owner.since)) / 1000;
  const held = `${lockFile}: held for ${span(seconds)} by ${ownerText(owner)}`;
  return [
    seconds < LONG_LOCK_SECONDS ? ok(held) : warn(held, 'See what it does; "bin-proxy unlock --force" asks it to end.'),
  ];
}

async function lookAtLog({ settings: { logFile } }: Patient): Promise<readonly Said[]> {
  const stats = await orUndefined(stat(logFile));
  const place = stats === undefined ? await nearestThere(dirname(logFile)) : logFile;
  const trouble = await whyNotWritable(place);
  if (trouble !== undefined) return [trouble];
  const size = stats?.size ?? 0;
  const told = stats === undefined ? `${logFile}: nothing is logged yet` : `${logFile}: ${bytes(size)}`;
  if (await isRotated(logFile)) return [ok(`${told}, rotated by logrotate`)];
  const said = `${told}, and nothing in /etc/logrotate.d names it`;
  return [
    size > LARGE_LOG_BYTES
      ? fail(said, 'It grows for ever: sudo bin-proxy install writes /etc/logrotate.d/bin-proxy.')
      : warn(said, 'sudo bin-proxy install writes /etc/logrotate.d/bin-proxy.'),
  ];
}

/** Named as it is, or with a `*` in the last part of its path, as in `/var/log/*.log`. */
async function isRotated(logFile: string): Promise<boolean> {
  const folder = '/etc/logrotate.d';
  const files = ['/etc/logrotate.conf', ...(await readdir(folder).catch(() => [])).map((name) => join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const words = texts.flatMap((text) => text.replaceAll(/^\s*#.*$/gm, '').split(/[\s{}"']+/));
  return words.some(
    (word) => word === logFile || (dirname(word) === dirname(logFile) && matches(basename(word), basename(logFile))),
  );
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return false;
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  return name.startsWith(first) && name.endsWith(last) && name.length >= first.length + last.length;
}
