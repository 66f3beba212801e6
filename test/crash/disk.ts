import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Small and sparse; a file system that is much smaller is refused by its own mkfs. */
interface Format {
  readonly size: string;
  readonly mkfs: readonly string[];
  /** The least a file system promises: what timers and heuristics would save by chance is not written. */
  readonly mount: string;
}

const FORMATS = {
  ext4: {
    size: '64M',
    mkfs: ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0'],
    mount: 'loop,commit=600,noauto_da_alloc',
  },
  // A copy has the id of its original, which a foreign mount namespace may still hold for a moment.
  xfs: { size: '320M', mkfs: ['mkfs.xfs', '-q', '-f'], mount: 'loop,nouuid' },
  btrfs: { size: '256M', mkfs: ['mkfs.btrfs', '-q', '-f'], mount: 'loop,commit=300' },
} as const satisfies Record<string, Format>;

export type FileSystem = keyof typeof FORMATS;

/** What the backing file of a disk held at one moment. */
export interface Image {
  readonly file: string;
}

/**
 * A disk that can lose its power: a real file system in a file, mounted through a loop device. A copy of the file holds
 * what the file system has written, and nothing of what it still keeps in memory.
 */
export class Disk {
  readonly point: string;
  readonly #fileSystem: FileSystem;
  readonly #patience: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'bin-proxy-disk-'));
  #images = 0;
  #current: Image | undefined;
  #mounted = false;

  /** `point`: the directory it is mounted at; `patience`: how many seconds the kernel may refuse to mount it. */
  constructor(fileSystem: FileSystem, point: string, patience = 60) {
    this.#fileSystem = fileSystem;
    this.point = point;
    this.#patience = patience;
  }

  /** Makes and mounts an empty file system. */
  async format(): Promise<void> {
    const { size, mkfs } = FORMATS[this.#fileSystem];
    const image = this.#newImage();
    await run('truncate', ['-s', size, image.file]);
    const [program, ...options] = mkfs;
    await run(program, [...options, image.file]);
    this.#current = image;
    await this.#mount(image);
  }

  /** Keeps what is on the disk at this moment, whatever still waits in memory. */
  async snapshot(): Promise<Image> {
    const { file } = this.#current ?? never('a disk without an image');
    const image = this.#newImage();
    await run('cp', ['--sparse=always', file, image.file]);
    return image;
  }

  /** Mounts a copy of an image, which makes the file system replay its journal: the machine has power again. */
  async load(image: Image): Promise<void> {
    const copy = this.#newImage();
    await run('cp', ['--sparse=always', image.file, copy.file]);
    this.#current = copy;
    await this.#mount(copy);
  }

  /** Another program makes a file of its own durable, and with it whatever the file system commits on that occasion. */
  async commitUnrelated(): Promise<void> {
    const handle = await open(join(this.point, 'unrelated'), 'w');
    try {
      await handle.writeFile('something else');
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async sync(): Promise<void> {
    await run('sync', ['-f', this.point]);
  }

  /** Its processes must have ended; the kernel lets go of their files within moments. The image goes with it. */
  async unmount(): Promise<void> {
    if (this.#mounted) await patiently(() => run('umount', [this.point]), this.#patience);
    this.#mounted = false;
    if (this.#current !== undefined) await rm(this.#current.file, { force: true });
    this.#current = undefined;
  }

  async discard(image: Image): Promise<void> {
    await rm(image.file, { force: true });
  }

  /** Unmounts it and removes every image. */
  async remove(): Promise<void> {
    await this.unmount();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #newImage(): Image {
    this.#images += 1;
    return { file: join(this.#directory, `${this.#images}.img`) };
  }

  async #mount({ file }: Image): Promise<void> {
    const { mount } = FORMATS[this.#fileSystem];
    await patiently(() => run('mount', ['-t', this.#fileSystem, '-o', mount, file, this.point]), this.#patience);
    this.#mounted = true;
  }
}

/** Why this machine cannot mount a file system from a file; undefined where it can. */
export async function mountTrouble(fileSystem: FileSystem): Promise<string | undefined> {
  const point = mkdtempSync(join(tmpdir(), 'bin-proxy-mount-'));
  const disk = new Disk(fileSystem, point, 3);
  try {
    await disk.format();
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `This machine cannot mount ${fileSystem} from a file, which needs root, loop devices and ${fileSystem} in its kernel: ${why}`;
  } finally {
    await disk.remove();
    rmSync(point, { recursive: true });
  }
}

/** Loop devices are taken and freed by the kernel in its own time, and shared with everybody else. */
async function patiently(work: () => Promise<unknown>, seconds: number): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; ; await delay(50)) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function never(what: string): never {
  throw new Error(what);
}
