import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestText } from '../../src/domain/digest.ts';
import { UpdateError } from '../../src/domain/errors.ts';
import type { JournalFile } from '../../src/domain/journal.ts';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import type { FileChange } from '../../src/domain/plan.ts';
import type { Deliver } from '../../src/installers/installer.ts';
import { changeTo, digestOf, INSTALLERS } from '../support/installers.ts';

const oldBytes = Buffer.from('#!/bin/sh\necho old\n');
const newBytes = Buffer.from('#!/bin/sh\necho new\n');
const deliver =
  (bytes: Buffer): Deliver =>
  (sink) =>
    sink.write(bytes);

describe.each(INSTALLERS)('the installer $title', ({ make }) => {
  let directory: string;
  let target: string;
  let entry: ManifestEntry;
  const staged = () => {
    const staging = join(directory, 'bin', '.bin-proxy', 'staging');
    return existsSync(staging) ? readdirSync(staging) : [];
  };
  const change = (bytes: Buffer = newBytes): Promise<FileChange> => changeTo(target, bytes);
  const prepared = async (): Promise<JournalFile> => {
    const one = await change();
    return make().backUp(one, entry, await make().stage(one, entry, deliver(newBytes)));
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bin-proxy-installer-'));
    mkdirSync(join(directory, 'bin'));
    target = join(directory, 'bin', 'app');
    writeFileSync(target, oldBytes, { mode: 0o755 });
    entry = { name: 'app' as BinaryName, version: 'latest' as VersionName, path: target, services: [], keep: 3 };
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('stages without touching what is live (invariant 2)', async () => {
    const before = statSync(target, { bigint: true });
    const path = await make().stage(await change(), entry, deliver(newBytes));
    expect(readFileSync(path)).toEqual(newBytes);
    expect(statSync(path).mode & 0o7777).toBe(0o755);
    const after = statSync(target, { bigint: true });
    expect([after.ino, after.ctimeNs]).toEqual([before.ino, before.ctimeNs]);
  });

  const refused: readonly { title: string; deliver: Deliver; reason: string; fault: string; bytes?: Buffer }[] = [
    { title: 'other bytes than announced', deliver: deliver(oldBytes), reason: 'digest-mismatch', fault: 'transfer' },
    {
      title: 'bytes that cannot run here',
      deliver: deliver(Buffer.from('<html>')),
      bytes: Buffer.from('<html>'),
      reason: 'not-runnable',
      fault: 'release',
    },
    {
      title: 'a transfer that fails',
      deliver: () => Promise.reject(new UpdateError({ reason: 'download-failed', fault: 'transfer' }, 'broken')),
      reason: 'download-failed',
      fault: 'transfer',
    },
    {
      title: 'a full disk',
      deliver: () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' })),
      reason: 'no-space',
      fault: 'host',
    },
  ];
  it.each(refused)('refuses $title and leaves nothing behind', async ({ deliver: how, bytes, reason, fault }) => {
    await expect(make().stage(await change(bytes), entry, how)).rejects.toMatchObject({ reason, fault });
    expect(staged()).toEqual([]);
    expect(readFileSync(target)).toEqual(oldBytes);
  });

  it('starts a delivery anew when the sender does', async () => {
    const path = await make().stage(await change(), entry, async (sink) => {
      await sink.write(Buffer.from('rubbish that is longer than the file itself'));
      await sink.restart();
      await sink.write(newBytes);
    });
    expect(readFileSync(path)).toEqual(newBytes);
  });

  it('refuses a workshop that others can write', async () => {
    mkdirSync(join(directory, 'bin', '.bin-proxy'), { mode: 0o777 });
    chmodSync(join(directory, 'bin', '.bin-proxy'), 0o777);
    await expect(make().stage(await change(), entry, deliver(newBytes))).rejects.toMatchObject({
      reason: 'staging-failed',
    });
  });

  it('backs up by a second name of the same inode, repeatably, and leaves the live file as it is', async () => {
    const one = await change();
    const path = await make().stage(one, entry, deliver(newBytes));
    const first = await make().backUp(one, entry, path);
    const second = await make().backUp(one, entry, path);
    expect(second).toEqual(first);
    expect(statSync(first.former?.backup ?? '').ino).toBe(statSync(target).ino);
    expect(first).toMatchObject({
      target,
      next: digestText(digestOf(newBytes)),
      former: { digest: digestText(digestOf(oldBytes)) },
    });
  });

  it('does not back up a file that somebody else changed meanwhile', async () => {
    const one = await change();
    const path = await make().stage(one, entry, deliver(newBytes));
    writeFileSync(target, 'somebody else');
    await expect(make().backUp(one, entry, path)).rejects.toMatchObject({ reason: 'staging-failed' });
    expect(readFileSync(target, 'utf8')).toBe('somebody else');
  });

  it('activates and restores, each repeatably and in a new process (invariants 1 and 4)', async () => {
    const file = await prepared();
    for (let time = 0; time < 2; time++) {
      await make().activate(file);
      expect(readFileSync(target)).toEqual(newBytes);
    }
    expect(await make().inspect(file)).toEqual({ target: digestText(digestOf(newBytes)), backup: 'valid' });
    for (let time = 0; time < 2; time++) {
      await make().restore(file);
      expect(readFileSync(target)).toEqual(oldBytes);
    }
    expect(await make().inspect(file)).toEqual({ target: digestText(digestOf(oldBytes)), backup: 'valid' });
    expect(staged()).toEqual([]);
  });

  it('removes on restore what was not there before', async () => {
    rmSync(target);
    const file = await prepared();
    await make().activate(file);
    expect(readFileSync(target)).toEqual(newBytes);
    await make().restore(file);
    await make().restore(file);
    expect(existsSync(target)).toBe(false);
  });

  it('keeps what it takes away, where nobody can execute it, and only the last', async () => {
    const file = await prepared();
    expect(await make().rejected(file)).toBeUndefined();
    await make().activate(file);
    await make().restore(file);

    const kept = (await make().rejected(file)) ?? '';

    expect(readFileSync(kept)).toEqual(newBytes);
    expect(statSync(kept).mode & 0o7777).toBe(0o400);
    expect(statSync(target).mode & 0o7777).toBe(0o755);
    const older = join(dirname(kept), 'app.md5-0123');
    const others = ['app.conf.md5-0123', 'apple.md5-0123'].map((name) => join(dirname(kept), name));
    for (const path of [older, ...others]) writeFileSync(path, '');
    utimesSync(older, 0, 0);
    linkSync(kept, `${kept}.again`);
    rmSync(`${kept}.again`);
    await make().tidy([target], { name: 'app', keep: 3 });
    expect([kept, older, ...others].map((path) => existsSync(path))).toEqual([true, false, true, true]);
  });

  it('restores also where what it takes away cannot be kept', async () => {
    const file = await prepared();
    await make().activate(file);
    rmSync(join(directory, 'bin', '.bin-proxy', 'rejected'), { recursive: true });
    await make().restore(file);
    expect(readFileSync(target)).toEqual(oldBytes);
    expect(await make().rejected(file)).toBeUndefined();
  });

  it('never makes the live file unusable for the sake of evidence (invariant 1)', async () => {
    const file = await prepared();
    await make().activate(file);
    // As a run leaves it that dies between the two: kept, and still live.
    linkSync(target, join(directory, 'bin', '.bin-proxy', 'rejected', `app.${file.next.replace(':', '-')}`));
    writeFileSync(file.former?.backup ?? '', 'damaged');
    await expect(make().restore(file)).rejects.toThrow('expected the backup');
    expect(statSync(target).mode & 0o7777).toBe(0o755);
  });

  it('restores nothing from a backup that was damaged, and leaves the live file as it is', async () => {
    const file = await prepared();
    await make().activate(file);
    writeFileSync(file.former?.backup ?? '', 'damaged');
    await expect(make().restore(file)).rejects.toThrow('expected the backup');
    expect(readFileSync(target)).toEqual(newBytes);
    expect(await make().inspect(file)).toMatchObject({ backup: 'missing' });
  });

  it('tidies staging and old backups, never a live file', async () => {
    const file = await prepared();
    await make().activate(file);
    const backups = join(directory, 'bin', '.bin-proxy', 'backups', 'app');
    for (const name of ['app.md5-1', 'app.md5-2', 'other.md5-3']) linkSync(target, join(backups, name));
    writeFileSync(join(directory, 'bin', '.bin-proxy', 'staging', 'app.orphan'), '');
    await make().tidy([target], { name: 'app', keep: 2 });
    expect(staged()).toEqual([]);
    expect(readdirSync(backups).filter((name) => name.startsWith('app.'))).toHaveLength(2);
    expect(readdirSync(backups)).toContain('other.md5-3');
    expect(readFileSync(target)).toEqual(newBytes);
  });
});
