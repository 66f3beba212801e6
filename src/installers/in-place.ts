import { randomBytes } from 'node:crypto';
import { chmod, rename, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digestText, sameDigest } from '../domain/digest.ts';
import { UpdateError } from '../domain/errors.ts';
import type { JournalFile } from '../domain/journal.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { FileChange } from '../domain/plan.ts';
import type { KeptFile } from '../planning/former.ts';
import type { FoundFile } from '../planning/recover.ts';
import type { RunCommand } from '../platform/command.ts';
import { fileTrouble } from '../platform/file-trouble.ts';
import { createExclusive, identityOf, naming, realPathOf, removeFile, syncDirectory } from '../platform/files.ts';
import type { Deliver, InstallationReader, Installer } from './installer.ts';
import { adopt, recall } from './kept.ts';
import { keptFiles } from './kept-files.ts';
import { mustBeExecutableHere, mustPassCheck, mustRunHere } from './preflight.ts';
import { receive } from './receive.ts';
import {
  bringBack,
  clearStaging,
  digestAt,
  futurePath,
  keepRejected,
  linkName,
  linkOver,
  mayBeNoRoom,
  openWorkshop,
  pruneBackups,
  pruneRejected,
  rejectedPath,
  roomIn,
  sealRejected,
  syncFile,
} from './workshop.ts';
import { workshopOf } from './workshop-places.ts';

const DEFAULT_MODE = 0o755;
const EXECUTABLE = 0o111;
const ATTRIBUTES_TIMEOUT_MS = 10_000;

/** Replaces a file at its own path by one rename, and keeps the former one as a hard link beside it. */
export class InPlaceInstaller implements Installer {
  readonly #reader: InstallationReader;
  readonly #run: RunCommand;

  constructor(reader: InstallationReader, run: RunCommand) {
    this.#reader = reader;
    this.#run = run;
  }

  async stage(change: FileChange, entry: ManifestEntry, deliver: Deliver): Promise<string> {
    let staged: string | undefined;
    try {
      const { staging } = await openWorkshop(await realTarget(change), entry.name);
      const maxBytes = await roomIn(staging);
      const former = change.installed.kind === 'present' ? change.installed.realPath : undefined;
      const mode = entry.mode ?? (await modeOf(former)) ?? DEFAULT_MODE;
      staged = join(staging, `${entry.name}.${randomBytes(6).toString('hex')}`);
      const handle = await createExclusive(staged);
      try {
        if ((mode & EXECUTABLE) !== 0) await mustBeExecutableHere(handle, staged);
        await receive(handle, change.artifact.digest, (sink) => deliver(sink, maxBytes)).catch((error: unknown) => {
          throw naming(mayBeNoRoom(error, maxBytes), staging);
        });
        await mustRunHere(handle);
      } finally {
        await handle.close();
      }
      await this.#dress(staged, { former, mode, owner: entry.owner });
      await syncFile(staged);
      await syncDirectory(staging);
      if (entry.check !== undefined) await mustPassCheck(entry.check, { staged, former }, this.#run);
      return staged;
    } catch (error) {
      if (staged !== undefined) await removeFile(staged);
      throw stagingError(error);
    }
  }

  async kept(entry: ManifestEntry): Promise<readonly KeptFile[]> {
    return keptFiles(await realPathOf(entry.path), entry.name);
  }

  async recall(kept: string, change: FileChange, entry: ManifestEntry): Promise<string> {
    return recall(kept, await realTarget(change), { change, entry, run: this.#run });
  }

  async adopt({ target, former }: JournalFile, { name }: Pick<ManifestEntry, 'name'>): Promise<void> {
    if (former !== undefined) await adopt(former.backup, target, name);
  }

  async backUp(change: FileChange, entry: ManifestEntry, staged: string): Promise<JournalFile> {
    const { artifact, installed } = change;
    const target = await realTarget(change);
    const next = digestText(artifact.digest);
    const now = await this.#reader.read(target, artifact.digest.algorithm);
    if (installed.kind === 'absent' && now.kind === 'absent') return { target, staged, next };
    if (installed.kind === 'absent' || now.kind !== 'present' || !sameDigest(now.digest, installed.digest)) {
      throw new UpdateError(
        { reason: 'staging-failed', fault: 'transfer' },
        `${target} was changed by somebody else during the update`,
      );
    }
    const { backups } = workshopOf(target, entry.name);
    const backup = join(backups, linkName(target, digestText(installed.digest)));
    try {
      await linkOver(target, backup, dirname(staged));
      await syncDirectory(backups);
    } catch (error) {
      throw fileTrouble(error, 'host', `cannot keep ${target}`);
    }
    return { target, staged, next, former: { digest: digestText(installed.digest), backup } };
  }

  async activate(file: JournalFile): Promise<void> {
    if ((await identityOf(file.staged)) === undefined && (await digestAt(file.target, file.next)) === file.next) return;
    try {
      await rename(file.staged, file.target);
      await syncDirectory(dirname(file.target));
    } catch (error) {
      throw fileTrouble(error, 'host', `cannot replace ${file.target}`);
    }
  }

  async restore(file: JournalFile): Promise<void> {
    const live = await digestAt(file.target, file.next);
    if (live !== file.former?.digest) await this.#takeAway(file, live);
    await sealRejected(file);
  }

  async #takeAway(file: JournalFile, live: string | undefined): Promise<void> {
    if (live === file.next) await keepRejected(file);
    if (file.former === undefined) {
      if (live !== file.next) throw new Error(`${file.target} holds ${live}, which this update did not install`);
      await removeFile(file.target);
    } else {
      const { backup, digest } = file.former;
      const kept = await digestAt(backup, digest);
      if (kept !== digest) throw new Error(`expected the backup ${backup} to be ${digest}, found ${kept ?? 'no file'}`);
      await bringBack(backup, file.target, dirname(file.staged));
    }
    await syncDirectory(dirname(file.target));
  }

  async rejected(file: JournalFile): Promise<string | undefined> {
    const path = rejectedPath(file);
    return (await identityOf(path)) === undefined ? undefined : path;
  }

  async inspect(file: JournalFile): Promise<FoundFile> {
    const { former } = file;
    const target = await digestAt(file.target, file.next);
    const kept = former === undefined ? undefined : await digestAt(former.backup, former.digest);
    return { target, backup: kept !== undefined && kept === former?.digest ? 'valid' : 'missing' };
  }

  async tidy(
    targets: readonly string[],
    { name, keep }: { readonly name: string; readonly keep: number },
  ): Promise<void> {
    for (const target of targets) {
      const workshop = workshopOf(target, name);
      await clearStaging(workshop);
      await pruneBackups(workshop, basename(target), keep);
      await pruneRejected(workshop, basename(target));
    }
  }

  /** Mode, owner, capabilities and other attributes: those of the former file, unless the manifest names its own. */
  async #dress(staged: string, { former, mode, owner }: Dress): Promise<void> {
    if (former !== undefined) await this.#attributes('all', former, staged);
    if (owner !== undefined) await this.#own(staged, owner);
    // chown(2) clears setuid and capabilities, so the mode comes after it and extended attributes last.
    await chmod(staged, mode);
    if (former !== undefined && owner !== undefined) await this.#attributes('xattr', former, staged);
    const now = new Date();
    await utimes(staged, now, now);
  }

  /** Node knows no extended attributes; cp(1) does. */
  async #attributes(what: 'all' | 'xattr', from: string, to: string): Promise<void> {
    const args = ['--attributes-only', `--preserve=${what}`, '--', from, to];
    const result = await this.#run('cp', args, { timeoutMs: ATTRIBUTES_TIMEOUT_MS });
    if (result.kind === 'exited' && result.code === 0) return;
    const story = result.kind === 'exited' ? result.stderr.trim() : result.kind;
    throw new UpdateError(
      { reason: 'staging-failed', fault: 'host' },
      `cannot copy the attributes of ${from}: ${story}`,
    );
  }

  async #own(staged: string, owner: string): Promise<void> {
    const result = await this.#run('chown', ['--', owner, staged], { timeoutMs: ATTRIBUTES_TIMEOUT_MS });
    if (result.kind === 'exited' && result.code === 0) return;
    const story = result.kind === 'exited' ? result.stderr.trim() : result.kind;
    throw new UpdateError({ reason: 'staging-failed', fault: 'setup' }, `cannot give it to "${owner}": ${story}`, {
      hint: 'Correct "owner" in the manifest, or make the user.',
    });
  }
}

/** What a staged file looks like when it goes live. */
interface Dress {
  readonly former: string | undefined;
  readonly mode: number;
  readonly owner: string | undefined;
}

async function modeOf(file: string | undefined): Promise<number | undefined> {
  return file === undefined ? undefined : (await stat(file)).mode & 0o7777;
}

async function realTarget({ artifact, installed }: FileChange): Promise<string> {
  return installed.kind === 'present' ? installed.realPath : futurePath(artifact.target);
}

function stagingError(error: unknown): unknown {
  return error instanceof UpdateError ? error : fileTrouble(error, 'host');
}
