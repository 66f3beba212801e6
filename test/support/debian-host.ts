import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { has, isCi, isRoot } from './components.ts';

const MOUNT = `mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root" &&
  mount -t proc proc "$1/root/proc" && mount --rbind /dev "$1/root/dev"`;

/** Debian with dpkg, and the right to lay a file system over its own. Under CI the tests then fail and are not skipped. */
export const mayOverlay = isRoot && has('dpkg-deb', 'unshare', 'mount', 'man') && (isCi || allowed());

function allowed(): boolean {
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', MOUNT, 'sh', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** This machine as it is, in a mount namespace where every change goes into memory, and is gone at the end. */
export class DebianHost {
  readonly #holder: ChildProcess;
  readonly #root: string;

  private constructor(holder: ChildProcess, root: string) {
    this.#holder = holder;
    this.#root = root;
  }

  static async start(place: string): Promise<DebianHost> {
    mkdirSync(place);
    const script = `${MOUNT} && echo ready && exec cat`;
    const holder = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', place], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    return new DebianHost(holder, `${place}/root`);
  }

  /** What a command line prints there, on both streams, without its last newline. */
  async sh(script: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const inside = ['-m', '-t', String(this.#holder.pid), 'chroot', this.#root, 'sh', '-c', script];
    const child = spawn('nsenter', inside, {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: output.replace(/\n$/, '') };
  }

  async stop(): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await ended;
  }
}
