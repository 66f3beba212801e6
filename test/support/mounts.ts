import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { has, isCi, isRoot } from './components.ts';

/** A container may have root and mount(8), and yet no right to mount. Under CI the tests then fail and are not skipped. */
export const mayMount = isRoot && has('mount', 'unshare', 'mkfs.ext4', 'chattr') && (isCi || allowed());

function allowed(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Small file systems in a test's own folder, gone at its end. */
export class Mounts {
  readonly #points: string[] = [];

  tmpfs(point: string, options = 'size=32m'): string {
    return this.#mount(point, ['-t', 'tmpfs', '-o', `${options},mode=755`, 'tmpfs']);
  }

  /** On a loop device; the image is a sparse file beside it. */
  ext4(point: string, mebibytes = 32): string {
    const image = `${point}.img`;
    writeFileSync(image, '');
    truncateSync(image, mebibytes * 2 ** 20);
    // No blocks for root alone: to this program a full disk is full.
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1,root_owner=0:0', image]);
    this.#mount(point, ['-o', 'loop', image]);
    rmSync(join(point, 'lost+found'), { recursive: true });
    return point;
  }

  /** A directory, or a file that is there already. */
  bind(from: string, to: string): void {
    execFileSync('mount', ['--bind', from, to]);
    this.#points.push(to);
  }

  remount(point: string, option: 'ro' | 'rw' | 'noexec' | 'exec'): void {
    execFileSync('mount', ['-o', `remount,${option}`, point]);
  }

  /** Gives a file of an ext4 a change time, which no system call can. */
  setChangeTime(point: string, file: string, time: Date): void {
    // A copy: what is mounted may be held by somebody else's mount namespace after its unmounting here.
    const copy = `${point}.copy.img`;
    execFileSync('fsfreeze', ['-f', point]);
    try {
      execFileSync('cp', ['--sparse=always', `${point}.img`, copy]);
    } finally {
      execFileSync('fsfreeze', ['-u', point]);
    }
    const stamp = time.toISOString().replaceAll(/[-:T]|\..*/g, '');
    execFileSync('debugfs', ['-w', '-R', `set_inode_field "${file}" ctime ${stamp}`, copy], { stdio: 'pipe' });
    execFileSync('umount', [point]);
    execFileSync('mount', ['-o', 'loop', copy, point]);
  }

  removeAll(): void {
    for (const point of this.#points.reverse()) {
      // Whoever still has a file open there must not keep the test's folder from being removed.
      execFileSync('umount', ['-l', point]);
    }
  }

  #mount(point: string, args: readonly string[]): string {
    mkdirSync(point, { recursive: true });
    execFileSync('mount', [...args, point]);
    this.#points.push(point);
    return point;
  }
}

const BALLAST = 'ballast';

/** Fills a file system to its last byte. The caller has made sure that it is one of the test's own. */
export function fill(directory: string): void {
  execFileSync('mountpoint', ['-q', directory]);
  const file = openSync(join(directory, BALLAST), 'a');
  try {
    for (const size of [1 << 20, 4096, 1]) writeUntilFull(file, Buffer.alloc(size));
  } finally {
    closeSync(file);
  }
}

export function makeRoom(directory: string): void {
  rmSync(join(directory, BALLAST), { recursive: true });
}

/** Makes files until there are no more inodes. */
export function useUpInodes(directory: string): void {
  execFileSync('mountpoint', ['-q', directory]);
  mkdirSync(join(directory, BALLAST));
  for (let count = 0; ; count++) {
    try {
      writeFileSync(join(directory, BALLAST, String(count)), '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      if (writeSync(file, bytes) === 0) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
