import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { READERS } from '../support/installers.ts';
import { untilSettled } from '../support/settled.ts';

describe.concurrent.each(READERS)('the reader $title', ({ make }) => {
  /** The files of each test are its own. */
  function place() {
    const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-reader-'));
    places.push(directory);
    const target = join(directory, 'app');
    writeFileSync(target, 'one');
    return { directory, target, reader: make() };
  }
  const places: string[] = [];
  afterAll(() => {
    for (const directory of places) rmSync(directory, { recursive: true });
  });

  it.each<[string, (target: string) => void]>([
    [
      'is written to in place, with its times put back',
      (target) => {
        const { atime, mtime } = statSync(target);
        writeFileSync(target, 'two');
        utimesSync(target, atime, mtime);
      },
    ],
    [
      'is replaced by another',
      (target) => {
        writeFileSync(`${target}.new`, 'one');
        renameSync(`${target}.new`, target);
      },
    ],
    [
      'becomes a symlink to another',
      (target) => {
        writeFileSync(`${target}.new`, 'one');
        rmSync(target);
        symlinkSync(`${target}.new`, target);
      },
    ],
    ['changes its mode', (target) => chmodSync(target, 0o600)],
    ['is removed', (target) => rmSync(target)],
  ])('shows another fingerprint when the file %s, and none before it has settled', async (_, change) => {
    const { target, reader } = place();
    expect(reader.fingerprint(target)).toBeUndefined();
    await untilSettled();
    const before = reader.fingerprint(target);
    expect(before).toEqual(expect.any(String));
    expect(make().fingerprint(target)).toBe(before);
    change(target);
    expect(reader.fingerprint(target)).toBeUndefined();
    await untilSettled();
    expect(reader.fingerprint(target)).not.toBe(before);
  });

  it('remembers what it has read, whatever has become of it since', async () => {
    const { target, reader } = place();
    expect(reader.fingerprintRead(target)).toBeUndefined();
    await reader.read(target, 'md5');
    // It may have changed once more while it was read.
    expect(reader.fingerprintRead(target)).toBeUndefined();
    await untilSettled();
    await reader.read(target, 'md5');
    const read = reader.fingerprintRead(target);
    expect(read).toBe(reader.fingerprint(target));
    writeFileSync(target, 'two');
    await untilSettled();
    expect(reader.fingerprintRead(target)).toBe(read);
    expect(reader.fingerprint(target)).not.toBe(read);
    await reader.read(target, 'md5');
    expect(reader.fingerprintRead(target)).toBe(reader.fingerprint(target));
    rmSync(target);
    await reader.read(target, 'md5');
    expect(reader.fingerprintRead(target)).toBeUndefined();
  });

  it('shows one of what lies behind a symlink', async () => {
    const { directory, target, reader } = place();
    const link = join(directory, 'link');
    symlinkSync(target, link);
    await untilSettled();
    await reader.read(link, 'md5');
    expect(reader.fingerprintRead(link)).toBe(reader.fingerprint(target));
    expect(reader.fingerprint(link)).toBe(reader.fingerprint(target));
  });

  it('shows none of what is no file', async () => {
    const { directory, reader } = place();
    mkdirSync(join(directory, 'folder'));
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'));
    symlinkSync(join(directory, 'loop'), join(directory, 'loop'));
    await untilSettled();
    for (const name of ['absent', 'folder', 'dangling', 'loop', 'app/below']) {
      const path = join(directory, name);
      await reader.read(path, 'md5');
      expect([name, reader.fingerprint(path), reader.fingerprintRead(path)]).toEqual([name, undefined, undefined]);
    }
  });
});
