import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem, uptime } from 'node:os';
import type { HostFacts } from '../domain/evidence.ts';

/** How the host is now: load, memory, and the file systems of some directories. What cannot be read is left out. */
export async function hostFacts(directories: readonly string[]): Promise<HostFacts> {
  const disks = await Promise.all([...new Set(directories)].map(diskOf));
  return {
    uptimeSeconds: Math.round(uptime()),
    load: loadavg()[0] ?? 0,
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    memoryAvailableBytes: await memoryAvailable(),
    disks: disks.flat(),
  };
}

async function diskOf(path: string): Promise<HostFacts['disks']> {
  try {
    const { blocks, bavail, bsize } = await statfs(path);
    return [{ path, bytes: blocks * bsize, availableBytes: bavail * bsize }];
  } catch {
    return [];
  }
}

/** Free memory alone says little: the page cache is available too (proc(5), MemAvailable). */
async function memoryAvailable(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
}
