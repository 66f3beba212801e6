import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalFile } from '../../src/domain/journal.ts';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import type { FileChange } from '../../src/domain/plan.ts';
import type { KeptFile } from '../../src/planning/former.ts';
import { changeTo, INSTALLERS } from '../support/installers.ts';

const script = (word: string) => Buffer.from(`#!/bin/sh\necho ${word}\n`);
const [first, second, third] = [script('first'), script('second'), script('third')];

describe.each(INSTALLERS)('what the installer $title keeps', ({ make, kept }) => {
  let directory: string;
  let target: string;
  let entry: ManifestEntry;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bin-proxy-kept-'));
    mkdirSync(join(directory, 'bin'));
    target = join(directory, 'bin', 'app');
    writeFileSync(target, first, { mode: 0o755 });
    entry = { name: 'app' as BinaryName, version: 'latest' as VersionName, path: target, services: [], keep: 3 };
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const change = (bytes: Buffer): Promise<FileChange> => changeTo(target, bytes);
  const update = async (bytes: Buffer): Promise<JournalFile> => {
    const one = await change(bytes);
    const installer = make();
    const file = await installer.backUp(one, entry, await installer.stage(one, entry, (sink) => sink.write(bytes)));
    await installer.activate(file);
    return file;
  };
  const contents = (files: readonly KeptFile[]) => files.map(({ path }) => readFileSync(path, 'utf8'));
  const onlyKept = async (): Promise<KeptFile> => {
    const [one, ...others] = await make().kept(entry);
    if (one === undefined || others.length > 0) throw new Error(`expected one kept file, found ${others.length + 1}`);
    return one;
  };
  const staged = () => readdirSync(join(directory, 'bin', '.bin-proxy', 'staging'));

  it('is nothing before the first update', async () => {
    expect(await make().kept(entry)).toEqual([]);
    expect(await kept.of(target, 'app')).toEqual([]);
    expect(existsSync(join(directory, 'bin', '.bin-proxy'))).toBe(false);
  });

  it('is every former file, the newest first, by either way of asking', async () => {
    await update(second);
    await update(third);
    const files = await make().kept(entry);
    expect(contents(files)).toEqual([second, first].map(String));
    expect(await kept.of(target, 'app')).toEqual(files);
  });

  it('adopt: is kept for good, and only once', async () => {
    const one = await update(second);
    await make().adopt(one, entry);
    await make().adopt(await update(third), entry);
    await make().tidy([target], { name: 'app', keep: 0 });
    const file = await onlyKept();
    expect(file).toMatchObject({ kind: 'factory' });
    expect(readFileSync(file.path)).toEqual(first);
  });

  it('adopt: has nothing to do where there was no file', async () => {
    rmSync(target);
    await make().adopt(await update(first), entry);
    expect(await make().kept(entry)).toEqual([]);
  });

  it('recall: brings a kept file beside the target, as it once ran, and leaves what is live alone', async () => {
    chmodSync(target, 0o750);
    await update(second);
    const before = statSync(target, { bigint: true });
    const path = await make().recall((await onlyKept()).path, await change(first), entry);
    expect(readFileSync(path)).toEqual(first);
    expect(statSync(path).mode & 0o7777).toBe(0o750);
    expect(statSync(target, { bigint: true }).ino).toBe(before.ino);
    expect(readFileSync(target)).toEqual(second);
  });

  it('recall: is followed by the same steps as staging, in both directions', async () => {
    await update(second);
    const one = await change(first);
    const installer = make();
    const file = await installer.backUp(one, entry, await installer.recall((await onlyKept()).path, one, entry));
    await installer.activate(file);
    expect(readFileSync(target)).toEqual(first);
    await installer.restore(file);
    expect(readFileSync(target)).toEqual(second);
    expect(contents(await installer.kept(entry)).toSorted()).toEqual([first, second].map(String));
  });

  it('recall: refuses a damaged file, leaves it for whoever wants to look, and nothing else behind', async () => {
    await update(second);
    const { path } = await onlyKept();
    const one = await change(first);
    chmodSync(path, 0o755);
    writeFileSync(path, 'damaged');
    await expect(make().recall(path, one, entry)).rejects.toMatchObject({ reason: 'digest-mismatch', fault: 'setup' });
    expect(readFileSync(path, 'utf8')).toBe('damaged');
    expect(staged()).toEqual([]);
    expect(readFileSync(target)).toEqual(second);
  });

  it("recall: refuses what the manifest's own check refuses, and leaves nothing behind", async () => {
    await update(second);
    const strict = { ...entry, check: ['/bin/false'] as const };
    await expect(make().recall((await onlyKept()).path, await change(first), strict)).rejects.toMatchObject({
      reason: 'check-failed',
    });
    expect(staged()).toEqual([]);
  });
});
