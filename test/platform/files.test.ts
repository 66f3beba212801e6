import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  appendLine,
  createExclusive,
  hashFile,
  identityOf,
  makeDirectories,
  naming,
  orUndefined,
  readText,
  removeFile,
  sweepTemporaries,
  syncDirectory,
  writeDurably,
} from '../../src/platform/files.ts';
import { fingerprint } from '../../src/platform/fingerprint.ts';
import { folder } from '../store/folder.ts';
import { isRoot } from '../support/components.ts';

describe('directories', () => {
  const place = folder();

  it('are made by one of all who make them at once, and are there for the others', async () => {
    for (let round = 0; round < 20; round++) {
      const path = place.path(`${round}`, 'a', 'b', 'c');
      const made = await Promise.all(Array.from({ length: 8 }, () => makeDirectories(path, 0o700)));
      expect(made.filter((one) => one === 'made')).toHaveLength(1);
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
  });

  it('are not made where a file is in their place', async () => {
    writeFileSync(place.path('f'), '');
    await expect(makeDirectories(place.path('f'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeDirectories(place.path('f', 'a', 'b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('naming the file of an error', () => {
  const eio = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });

  it('adds it where the system does not say it', () => {
    expect(naming(eio, '/srv/f')).toMatchObject({ message: "EIO: i/o error, write '/srv/f'", code: 'EIO', cause: eio });
  });

  it('leaves alone what is named already, and what is no error of the system', async () => {
    const named: unknown = await stat('/no/such/file').catch((error: unknown) => error);
    expect(naming(named, '/srv/f')).toBe(named);
    const other = new Error('anything');
    expect(naming(other, '/srv/f')).toBe(other);
  });
});

describe('writing a small file as a whole', () => {
  const place = folder();

  it('makes it with the mode that is asked for, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      await writeDurably(place.path('f'), 'text', 0o644);
      await writeDurably(place.path('secret'), 'text');
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(place.path('f'), 'utf8')).toBe('text');
    expect(statSync(place.path('f')).mode & 0o7777).toBe(0o644);
    expect(statSync(place.path('secret')).mode & 0o7777).toBe(0o600);
  });

  it('keeps the mode of a file that is there, and is a new inode', async () => {
    writeFileSync(place.path('f'), 'old');
    chmodSync(place.path('f'), 0o640);
    const before = statSync(place.path('f')).ino;
    linkSync(place.path('f'), place.path('backup'));
    await writeDurably(place.path('f'), 'new', 0o600);
    expect(readFileSync(place.path('f'), 'utf8')).toBe('new');
    expect(statSync(place.path('f')).mode & 0o7777).toBe(0o640);
    expect(statSync(place.path('f')).ino).not.toBe(before);
    expect(readFileSync(place.path('backup'), 'utf8')).toBe('old');
  });

  it.skipIf(!isRoot)('keeps the owner of a file that is there', async () => {
    writeFileSync(place.path('f'), 'old');
    chownSync(place.path('f'), 12_345, 23_456);
    await writeDurably(place.path('f'), 'new');
    const { uid, gid } = statSync(place.path('f'));
    expect([uid, gid]).toEqual([12_345, 23_456]);
  });

  it('replaces a link by a file that nobody else may write, and leaves what it leads to', async () => {
    writeFileSync(place.path('real'), 'real');
    symlinkSync('real', place.path('f'));
    await writeDurably(place.path('f'), 'new', 0o600);
    expect(readFileSync(place.path('real'), 'utf8')).toBe('real');
    expect(lstatSync(place.path('f')).isFile()).toBe(true);
    expect(statSync(place.path('f')).mode & 0o7777).toBe(0o600);
  });

  it('leaves no temporary file behind, neither after success nor after an error', async () => {
    await writeDurably(place.path('f'), 'one');
    mkdirSync(place.path('directory'));
    await expect(writeDurably(place.path('directory'), 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    await expect(writeDurably(place.path('no', 'where'), 'x')).rejects.toThrow('ENOENT');
    await expect(writeDurably(place.path('f', 'x'), 'x')).rejects.toThrow('ENOTDIR');
    expect(readdirSync(place.path()).toSorted()).toEqual(['directory', 'f']);
    expect(readFileSync(place.path('f'), 'utf8')).toBe('one');
  });

  it('serves writers at the same time: one of the texts stays, and it is whole', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => writeDurably(place.path('f'), text)));
    expect(texts).toContain(readFileSync(place.path('f'), 'utf8'));
    expect(readdirSync(place.path())).toEqual(['f']);
  });
});

describe('what dead writers left', () => {
  const place = folder();

  it('is swept away; files of live ones and all others stay', async () => {
    const dead = `.f.${2 ** 22 + 1}-0123456789ab.tmp`;
    const kept = [`.f.${process.pid}-0123456789ab.tmp`, '.f.tmp', 'f', `.f.${2 ** 22 + 1}-0123456789ab.tmp.bak`];
    for (const name of [dead, ...kept]) writeFileSync(place.path(name), '');
    await sweepTemporaries(place.path());
    expect(readdirSync(place.path()).toSorted()).toEqual(kept.toSorted());
  });

  it('is nothing in a directory that is not there', async () => {
    await sweepTemporaries(place.path('nowhere'));
    expect(readdirSync(place.path())).toEqual([]);
  });
});

describe('a file that must not exist yet', () => {
  const place = folder();

  it('is made for its owner alone', async () => {
    const handle = await createExclusive(place.path('f'));
    await handle.close();
    expect(statSync(place.path('f')).mode & 0o7777).toBe(0o600);
  });

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'old')],
    ['a link', (path) => symlinkSync('elsewhere', path)],
    ['a link that leads nowhere', (path) => symlinkSync('/nowhere/at/all', path)],
    ['a directory', (path) => mkdirSync(path)],
  ])('is not made over %s, and no link is followed', async (_, make) => {
    make(place.path('f'));
    await expect(createExclusive(place.path('f'))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(existsSync(place.path('elsewhere'))).toBe(false);
  });
});

describe('appending a line', () => {
  const place = folder();

  it('keeps what is there, and its mode', async () => {
    writeFileSync(place.path('f'), 'one\n', { mode: 0o640 });
    await appendLine(place.path('f'), 'two');
    expect(readFileSync(place.path('f'), 'utf8')).toBe('one\ntwo\n');
    expect(statSync(place.path('f')).mode & 0o777).toBe(0o640);
  });

  it('loses none of many at the same time', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i} ${'x'.repeat(200)}`);
    await Promise.all(lines.map((line) => appendLine(place.path('f'), line)));
    expect(readFileSync(place.path('f'), 'utf8').trimEnd().split('\n').toSorted()).toEqual(lines.toSorted());
  });
});

describe('reading', () => {
  const place = folder();

  it('digests a file of any size', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 'abc');
    writeFileSync(place.path('f'), bytes);
    writeFileSync(place.path('empty'), '');
    for (const algorithm of ['md5', 'sha256'] as const) {
      const hex = createHash(algorithm).update(bytes).digest('hex');
      expect(await hashFile(place.path('f'), algorithm)).toEqual({ algorithm, hex });
    }
    expect((await hashFile(place.path('empty'), 'md5')).hex).toBe('d41d8cd98f00b204e9800998ecf8427e');
    await expect(hashFile(place.path('nowhere'), 'md5')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('tells a file that is not there from one that cannot be read', async () => {
    writeFileSync(place.path('f'), 'text');
    expect(await readText(place.path('f'))).toBe('text');
    expect(await readText(place.path('nowhere'))).toBeUndefined();
    expect(await readText(place.path('f', 'below'))).toBeUndefined();
    await expect(readText(place.path())).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(orUndefined(Promise.reject(new Error('other')))).rejects.toThrow('other');
  });

  it('names a file by its inode: two names of one file are the same, a copy is not', async () => {
    writeFileSync(place.path('f'), 'a');
    writeFileSync(place.path('copy'), 'a');
    linkSync(place.path('f'), place.path('link'));
    symlinkSync('f', place.path('symlink'));
    const own = await identityOf(place.path('f'));
    expect(await identityOf(place.path('link'))).toEqual(own);
    expect(await identityOf(place.path('symlink'))).toEqual(own);
    expect(await identityOf(place.path('copy'))).not.toEqual(own);
    expect(await identityOf(place.path('nowhere'))).toBeUndefined();
  });

  it('sees in the fingerprint that content or inode has changed', async () => {
    const print = async () => fingerprint(await stat(place.path('f'), { bigint: true }));
    writeFileSync(place.path('f'), 'a');
    const first = await print();
    expect(await print()).toBe(first);
    writeFileSync(place.path('f'), 'bb');
    expect(await print()).not.toBe(first);
  });
});

describe('removing', () => {
  const place = folder();

  it('takes a file that is not there for removed, and a link for itself', async () => {
    writeFileSync(place.path('real'), '');
    symlinkSync('real', place.path('f'));
    expect(readlinkSync(place.path('f'))).toBe('real');
    await removeFile(place.path('f'));
    await removeFile(place.path('f'));
    expect(readdirSync(place.path())).toEqual(['real']);
  });

  it('does not take a directory for a file', async () => {
    mkdirSync(place.path('d'));
    await expect(removeFile(place.path('d'))).rejects.toMatchObject({ syscall: 'unlink' });
    await expect(syncDirectory(place.path('nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    await syncDirectory(place.path('d'));
    expect(statSync(place.path('d')).mode & constants.S_IFDIR).toBe(constants.S_IFDIR);
  });
});
