import { randomBytes } from 'node:crypto';
import { constants, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createExclusive } from '../../src/platform/files.ts';
import { LargeFile, pageAligned } from '../../src/platform/large-file.ts';
import { folder } from '../store/folder.ts';
import { fill, Mounts, mayMount } from '../support/mounts.ts';

const BLOCK = 1 << 16;

describe('a large file', () => {
  const place = folder();

  const written = async (path: string, write: (handle: FileHandle) => Promise<void>): Promise<Buffer> => {
    const handle = await createExclusive(path);
    try {
      await write(handle);
    } finally {
      await handle.close();
    }
    return readFileSync(path);
  };

  it('is what was appended, whatever part of it went past the page cache', async () => {
    const bytes = aligned(8 * BLOCK + 4096 + 1);
    const found = await written(place.path('f'), async (handle) => {
      const file = new LargeFile(handle, 2 * BLOCK);
      for (let from = 0; from < bytes.length; from += BLOCK) await file.append(bytes.subarray(from, from + BLOCK));
      expect(file.size).toBe(bytes.length);
      await file.close();
    });
    expect(found.equals(bytes)).toBe(true);
  });

  it('begins anew without what was written', async () => {
    const bytes = aligned(3 * BLOCK);
    const found = await written(place.path('f'), async (handle) => {
      const file = new LargeFile(handle, BLOCK);
      await file.append(bytes);
      await file.append(bytes);
      await file.restart();
      expect(file.size).toBe(0);
      await file.append(bytes.subarray(0, BLOCK));
      await file.append(bytes.subarray(BLOCK));
      await file.close();
    });
    expect(found.equals(bytes)).toBe(true);
  });

  describe.skipIf(!mayMount)('on a disk', () => {
    const onDisk = async (test: (point: string) => Promise<void>) => {
      const mounts = new Mounts();
      try {
        await test(mounts.ext4(place.path('disk')));
      } finally {
        mounts.removeAll();
      }
    };

    it('goes past the page cache after so many bytes, and leaves nothing open', () =>
      onDisk(async (point) => {
        const path = `${point}/f`;
        await written(path, async (handle) => {
          const file = new LargeFile(handle, BLOCK);
          await file.append(aligned(BLOCK));
          expect(directHandles(path)).toBe(0);
          await file.append(aligned(BLOCK));
          await file.append(aligned(4096));
          expect(directHandles(path)).toBe(1);
          await file.close();
          expect(directHandles(path)).toBe(0);
        });
      }));

    it('goes through it where memory, length or position are not made for anything else', () =>
      onDisk(async (point) => {
        const odd = aligned(BLOCK + 1).subarray(1);
        const found = await written(`${point}/f`, async (handle) => {
          const file = new LargeFile(handle, 0);
          await file.append(odd);
          expect(directHandles(`${point}/f`)).toBe(0);
          await file.append(odd.subarray(0, 5));
          await file.append(odd);
          await file.close();
        });
        expect(found.equals(Buffer.concat([odd, odd.subarray(0, 5), odd]))).toBe(true);
      }));

    it('fails where the disk is full', () =>
      onDisk(async (point) => {
        const handle = await createExclusive(`${point}/f`);
        const file = new LargeFile(handle, 0);
        try {
          await file.append(aligned(BLOCK));
          fill(point);
          await expect(file.append(aligned(BLOCK))).rejects.toMatchObject({ code: 'ENOSPC' });
        } finally {
          await file.close();
          await handle.close();
        }
      }));
  });
});

function aligned(bytes: number): Buffer {
  const memory = pageAligned(bytes);
  randomBytes(bytes).copy(memory);
  return memory;
}

/** How many open files of this process write to a path past the page cache: the kernel's own word. */
function directHandles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    if (!existsSync(`/proc/self/fd/${fd}`) || readlinkSync(`/proc/self/fd/${fd}`) !== path) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & constants.O_DIRECT) !== 0;
  }).length;
}
