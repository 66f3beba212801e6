import type { BigIntStats } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText } from '../../domain/errors.ts';
import { HEADER_BYTES, readExecutable, unfit } from '../../domain/executable.ts';
import type { ManifestEntry } from '../../domain/manifest.ts';
import { RESERVE_BYTES, WORKSHOP } from '../../domain/workshop.ts';
import { orUndefined, realPathOf } from '../../platform/files.ts';
import { type Mount, mountOf, mounts } from '../../platform/mount-facts.ts';
import { bytes } from '../desk-words.ts';
import { type Check, fail, ok, type Patient, type Said, skip, warn } from './finding.ts';

export const TARGET_CHECKS: readonly Check[] = [
  { name: 'targets', look: lookAtTargets },
  { name: 'disk', look: lookAtDisks },
];

const ANY_EXECUTE = 0o111n;
/** Journal, records, history and cache need no more. */
const STATE_BYTES = 1_000_000;

async function lookAtTargets({ entries, user }: Patient): Promise<readonly Said[]> {
  if (entries.length === 0) return [skip('no binary to look at')];
  const all = await mounts();
  const said = await Promise.all(entries.map((entry) => lookAtTarget(entry, all)));
  const flat = said.flat();
  if (flat.length > 0) return flat;
  const count = entries.length === 1 ? 'it is' : `all ${entries.length} are`;
  const unseen = user === 'root' ? '' : ' (whether root may write there was not looked at)';
  return [ok(`${count} runnable here, or yet to be installed, where staging is on the same file system${unseen}`)];
}

async function lookAtTarget(entry: ManifestEntry, all: readonly Mount[]): Promise<readonly Said[]> {
  const path = await realPathOf(entry.path);
  try {
    const stats = await orUndefined(stat(path, { bigint: true }));
    return [...(await sayPlace(entry, path, all)), ...(stats === undefined ? [] : await sayFile(entry, path, stats))];
  } catch (error) {
    return [skip(`${entry.name}: ${errorText(error)}; run as root to have it looked at`)];
  }
}

/** Where an update is staged and renamed: both need one file system, on which files can be written and executed. */
async function sayPlace(entry: ManifestEntry, path: string, all: readonly Mount[]): Promise<readonly Said[]> {
  const { name } = entry;
  const said: Said[] = [];
  const folder = await folderOf(path);
  const mount = mountOf(folder, all);
  const isExecuted = entry.mode === undefined || (BigInt(entry.mode) & ANY_EXECUTE) !== 0n;
  if (mount?.options.has('ro') === true)
    said.push(
      fail(`${name}: ${mount.point} is mounted read-only`, 'Mount it read-write, or set "path" to another place.'),
    );
  if (mount?.options.has('noexec') === true && isExecuted)
    said.push(fail(`${name}: ${mount.point} is mounted noexec`, 'Mount it with exec, or set "path" to another place.'));
  if (all.some(({ point }) => point === path))
    said.push(fail(`${name}: ${path} is itself a mount, and cannot be replaced`, 'Mount its directory instead.'));
  const workshop = `${folder}/${WORKSHOP}`;
  const [there, above] = await Promise.all([orUndefined(stat(workshop)), stat(folder)]);
  if (there !== undefined && there.dev !== above.dev)
    said.push(
      fail(
        `${name}: ${workshop} is on another file system than its target`,
        'Mount nothing there: updates go live by a rename.',
      ),
    );
  return said;
}

async function sayFile({ name, mode }: ManifestEntry, path: string, stats: BigIntStats): Promise<readonly Said[]> {
  if (!stats.isFile())
    return [fail(`${name}: expected a regular file at ${path}`, 'Look at what lies there; "path" may be wrong.')];
  if (mode !== undefined && (mode & 0o111) === 0) return [];
  if ((stats.mode & ANY_EXECUTE) === 0n)
    return [warn(`${name}: ${path} is not executable`, `chmod a+x ${path}, or "mode": "0755" in the manifest.`)];
  const why = unfit(readExecutable(await headerOf(path)), process.arch);
  return why === undefined ? [] : [fail(`${name}: ${path} cannot run here: ${why}`, 'Publish a build for this host.')];
}

async function headerOf(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The directory of a target, or the nearest one above it that is there: an installation makes the others. */
async function folderOf(path: string): Promise<string> {
  const folder = dirname(path);
  return folder === path || (await orUndefined(stat(folder))) !== undefined ? folder : folderOf(folder);
}

/** What one file system must have room for. */
interface Need {
  readonly folder: string;
  readonly sizes: readonly number[];
}

/** A release is as large as the installed one, as a rule; the former one stays, as a backup. */
async function lookAtDisks({ entries, settings }: Patient): Promise<readonly Said[]> {
  const needs = new Map<number, Need>();
  const add = async (folder: string, size: number) => {
    const { dev } = await stat(folder);
    const { sizes = [], folder: first = folder } = needs.get(dev) ?? {};
    needs.set(dev, { folder: first, sizes: [...sizes, size] });
  };
  for (const { path } of entries) {
    const real = await realPathOf(path);
    await add(await folderOf(real), (await orUndefined(stat(real)))?.size ?? 0);
  }
  await add(await folderOf(`${settings.stateDir}/journal.json`), STATE_BYTES);
  return Promise.all([...needs.values()].map(sayRoom));
}

async function sayRoom({ folder, sizes }: Need): Promise<Said> {
  const { bavail, bsize, ffree, files } = await statfs(folder);
  const free = Math.max(0, bavail * bsize - RESERVE_BYTES);
  const room = `${folder}: ${bytes(bavail * bsize)} free, and ${bytes(RESERVE_BYTES)} must stay so`;
  const [largest, all] = [Math.max(...sizes), sizes.reduce((sum, size) => sum + size, 0)];
  const advice = 'Free some space (df -h, and df -i for inodes).';
  if (files > 0 && ffree < 10) return fail(`${folder}: no inodes are left`, advice);
  const told = `${room}; needed: ${bytes(all)} for all at once${sizes.length === 1 ? '' : `, ${bytes(largest)} for the largest`}`;
  if (free < largest) return fail(told, advice);
  return free < all ? warn(told, advice) : ok(`${folder}: ${bytes(free)} to spare, and ${bytes(all)} needed at most`);
}
