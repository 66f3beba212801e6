import { randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../support/host.ts';
import { md5 } from '../support/program.ts';
import { Disk, type FileSystem, type Image } from './disk.ts';

/** `one`: everything of the host on one file system; `apart`: its programs on one, its state and manifest on another. */
export type Layout = 'one' | 'apart';

/** What lay on the disks of a machine at one moment, in the order of its disks. */
export type Images = readonly Image[];

/** A host that lies on disks of its own, and can lose its power. */
export class Machine {
  readonly host: Host;
  readonly #disks: readonly Disk[];
  readonly #bootId: string;

  /** The host must be empty and nothing of it running. */
  constructor(host: Host, fileSystem: FileSystem, layout: Layout) {
    this.host = host;
    const points = layout === 'one' ? [host.directory] : [host.directory, host.binDir];
    this.#disks = points.map((point) => new Disk(fileSystem, point));
    this.#bootId = `${host.directory}.boot-id`;
  }

  /** Empty disks, mounted where the host lies. */
  async format(): Promise<void> {
    for (const disk of this.#disks) {
      // The second disk is mounted in a folder of the first.
      await mkdir(disk.point, { recursive: true });
      await disk.format();
    }
    await mkdir(this.host.binDir, { recursive: true });
  }

  /** Mounts the disks as they were: what a machine does first when it has power again. */
  async mount(images: Images): Promise<void> {
    for (const [index, disk] of this.#disks.entries()) {
      const image = images[index];
      if (image === undefined) throw new Error(`no image for ${disk.point}`);
      await disk.load(image);
    }
    // Every boot has another id, and every file below /run is gone after one.
    writeFileSync(this.#bootId, `${randomUUID()}\n`);
    await rm(join(this.host.directory, 'supervisor.sock'), { force: true });
    this.host.launcher = inAnotherBoot(this.#bootId);
  }

  /** The rest of a boot: supervisord starts what it is to start by itself. */
  async boot(): Promise<void> {
    await this.host.supervisor.start();
  }

  /** What the disks hold, as one text: two that are the same make no difference to any program. */
  contents(): string {
    const lines = readdirSync(this.host.directory, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
      const path = join(this.host.directory, name);
      const stats = lstatSync(path);
      if (/\.log$|^supervisord\.|lost\+found|unrelated$/.test(name)) return [];
      const digest = stats.isFile() ? md5(readFileSync(path)) : '-';
      return `${name} ${stats.mode} ${stats.nlink} ${digest}`;
    });
    return lines.toSorted().join('\n');
  }

  /** What is on the disks at this moment, while the machine runs. */
  async snapshot(): Promise<Images> {
    return Promise.all(this.#disks.map((disk) => disk.snapshot()));
  }

  /** The disks a moment later, when other programs have made files of their own durable. */
  async snapshotAfterOthers(): Promise<Images> {
    await Promise.all(this.#disks.map((disk) => disk.commitUnrelated()));
    return this.snapshot();
  }

  async discard(images: Images): Promise<void> {
    for (const [index, disk] of this.#disks.entries()) {
      const image = images[index];
      if (image !== undefined) await disk.discard(image);
    }
  }

  /** Nothing runs any more, and what only memory held is gone with the disks. */
  async cutPower(): Promise<void> {
    await this.#endEveryProcess();
    for (const disk of this.#disks.toReversed()) await disk.unmount();
  }

  /** Writes everything out, as a proper shutdown does. */
  async sync(): Promise<void> {
    for (const disk of this.#disks) await disk.sync();
  }

  async remove(): Promise<void> {
    await this.#endEveryProcess();
    for (const disk of this.#disks.toReversed()) await disk.remove();
    rmSync(this.#bootId, { force: true });
    await this.host.remove();
  }

  async #endEveryProcess(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const pids = processesOf(this.host.directory);
      if (pids.length === 0) return;
      for (const pid of pids) kill(pid);
      await delay(25);
    }
    throw new Error(`processes of ${this.host.directory} do not end`);
  }
}

/** The kernel stays the same; who asks for its boot id finds another. */
function inAnotherBoot(file: string): readonly string[] {
  const bind = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', bind, file];
}

/** Every process that names the folder in its arguments, or executes, has open or stands in something in it. */
function processesOf(directory: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => belongs(`/proc/${pid}`, directory)).map(Number);
}

function belongs(proc: string, directory: string): boolean {
  const inside = (link: string) => (attempt(() => readlinkSync(link)) ?? '').startsWith(`${directory}/`);
  if ((attempt(() => readFileSync(`${proc}/cmdline`, 'utf8')) ?? '').includes(`${directory}/`)) return true;
  if (inside(`${proc}/exe`) || inside(`${proc}/cwd`)) return true;
  return (attempt(() => readdirSync(`${proc}/fd`)) ?? []).some((fd) => inside(`${proc}/fd/${fd}`));
}

function kill(pid: number): void {
  attempt(() => process.kill(pid, 'SIGKILL'));
}

/** A process may end at any moment, also between two looks at it. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
