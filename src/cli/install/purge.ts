import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RunError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import { WORKSHOP } from '../../domain/workshop.ts';
import { orUndefined, realPathOf } from '../../platform/files.ts';
import { lockDirectory, ownerFile } from '../../platform/lock-place.ts';
import { JournalStore } from '../../store/journal-file.ts';
import { readManifest } from '../../store/manifest-file.ts';
import { parseManifest } from '../../store/manifest-parse.ts';
import type { Invocation } from '../command-line.ts';
import { waitForLock } from '../desk.ts';
import { loadSettings } from '../settings.ts';
import { DEFAULT_CONFIG } from '../settings-table.ts';
import { mustBeTrusted } from '../tick.ts';
import { removeOwnFolder } from './own-folder.ts';
import { removeState, stateNames } from './own-state.ts';
import { type Done, OFFERED, type Site } from './site.ts';

/**
 * Removes all that `bin-proxy` has of its own: settings, manifest, state, log, lock, and beside each target what is kept
 * there. No program is touched, and nothing that others keep in the state directory. Under the lock (invariant 11). Throws
 * {@link RunError} `refused` where an update is unfinished: without its journal there is no way back.
 */
export async function purge(site: Site, invocation: Invocation): Promise<readonly Done[]> {
  const { settings, configFile } = await settingsBelow(site.root, invocation);
  const stateDir = join(site.root, settings.stateDir);
  const lock = site.dry === 'yes' ? undefined : await waitForLock(join(site.root, settings.lockFile));
  try {
    await mustBeEnded(stateDir);
    const places = [
      ...(await workshops(site.root, settings)),
      ...(await logs(site.root, settings.logFile)),
      ...[configFile, settings.manifestFile].flatMap((path) => [path, path + OFFERED]),
    ];
    const done: Done[] = [];
    for (const path of places) {
      const place = join(site.root, path);
      if ((await orUndefined(lstat(place))) === undefined) continue;
      done.push({ path, action: 'remove' });
      if (site.dry === 'no') await rm(place, { recursive: true });
    }
    return [...done, ...(await purgeState(site, settings.stateDir))];
  } finally {
    await lock?.release();
    if (lock !== undefined) await removeLock(join(site.root, settings.lockFile));
    if (site.dry === 'no') await removeOwnFolder(join(site.root, dirname(DEFAULT_CONFIG)));
  }
}

async function purgeState({ root, dry }: Site, path: string): Promise<readonly Done[]> {
  const stateDir = join(root, path);
  if ((await orUndefined(lstat(stateDir))) === undefined) return [];
  const { own, others } = await stateNames(stateDir);
  if (dry === 'no') await removeState(stateDir, own);
  if (others.length === 0) return [{ path, action: 'remove' }];
  return [
    ...own.map((name): Done => ({ path: join(path, name), action: 'remove' })),
    { path, action: 'shared', holds: others },
  ];
}

/** Throws {@link RunError} `refused` where a purge would be: asked before anything else is removed. */
export async function mayPurge({ root }: Site, invocation: Invocation): Promise<void> {
  const { settings } = await settingsBelow(root, invocation);
  await mustBeEnded(join(root, settings.stateDir));
}

async function mustBeEnded(stateDir: string): Promise<void> {
  if ((await new JournalStore(stateDir).read()).kind === 'absent') return;
  throw new RunError('refused', `an update is unfinished (${stateDir}/journal.json)`, {
    hint: 'Let it be ended first: bin-proxy run',
  });
}

/**
 * Below another root its own config file counts, and nothing of this host. Throws {@link RunError} `no-permission` where
 * a run would: whoever can write one of these decides what root removes.
 */
async function settingsBelow(root: string, { settings: flags }: Invocation) {
  if (root === '/') {
    const loaded = await loadSettings({ flags, environment: process.env });
    const { manifestFile, stateDir, lockFile } = loaded.settings;
    await mustBeTrusted([loaded.configFile, manifestFile, stateDir, dirname(lockFile)]);
    return loaded;
  }
  const config = join(root, DEFAULT_CONFIG);
  const there = (await orUndefined(lstat(config))) !== undefined;
  const { settings } = await loadSettings({ flags: there ? { ...flags, config } : flags, environment: {} });
  return { settings, configFile: DEFAULT_CONFIG };
}

/** A manifest that cannot be read names none: docs/at-3-am.md tells where they lie. */
async function workshops(root: string, { manifestFile, binDir }: Settings): Promise<readonly string[]> {
  const file = join(root, manifestFile);
  try {
    const { entries } = parseManifest(await readManifest(file), { file, binDir });
    const targets = await Promise.all(
      entries.map(({ path }) => (root === '/' ? realPathOf(path) : Promise.resolve(path))),
    );
    return [...new Set(targets.map((path) => join(dirname(path), WORKSHOP)))];
  } catch {
    return [];
  }
}

/** The log, and what logrotate has made of it: `.1`, `.2.gz`, … */
async function logs(root: string, logFile: string): Promise<readonly string[]> {
  const folder = dirname(logFile);
  const names = await readdir(join(root, folder)).catch(() => []);
  const [name, rotated] = [basename(logFile), /^\.\d+(\.gz)?$/];
  const ours = names.filter((one) => one === name || (one.startsWith(name) && rotated.test(one.slice(name.length))));
  return ours.map((one) => join(folder, one));
}

async function removeLock(file: string): Promise<void> {
  for (const path of [file, ownerFile(file), lockDirectory(file)]) await rm(path, { recursive: true, force: true });
  await removeOwnFolder(dirname(file));
}
