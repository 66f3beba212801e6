import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readText } from './files.ts';

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
const MAX_LINKS = 40;

/**
 * Why what lies at a path must not be believed by root, or undefined where it may: somebody who is not root could
 * replace it, because he owns it or one of the directories that lead to it, or may write there. A sticky directory such
 * as `/tmp` is no danger to what root owns in it. What does not exist yet is judged by the directories that do. For
 * anybody but root everything is his own affair.
 */
export async function distrust(path: string): Promise<string | undefined> {
  return (await distrusted([path]))?.why;
}

/** The first of several paths that must not be believed. What lies above more than one of them is looked at once. */
export async function distrusted(
  paths: readonly string[],
): Promise<{ readonly path: string; readonly why: string } | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const sound = new Set<string>();
  for (const path of paths) {
    const why = await judge(resolve(path), { sound, links: MAX_LINKS });
    if (why !== undefined) return { path, why };
  }
  return undefined;
}

interface Judging {
  /** What was judged already, and may be believed. */
  readonly sound: Set<string>;
  /** How many symlinks may still be followed. */
  readonly links: number;
}

async function judge(path: string, judging: Judging): Promise<string | undefined> {
  const { sound, links } = judging;
  if (sound.has(path)) return undefined;
  if (links === 0) return `${path} is a loop of symlinks`;
  const parent = dirname(path);
  if (parent !== path) {
    const above = await judge(parent, judging);
    if (above !== undefined) return above;
  }
  const why = await judgeOne(path, judging);
  if (why === undefined) sound.add(path);
  return why;
}

async function judgeOne(path: string, { sound, links }: Judging): Promise<string | undefined> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.uid !== 0) return `${path} belongs to user ${stats.uid}, expected root`;
  if (stats.isSymbolicLink()) return judge(resolve(dirname(path), readlinkSync(path)), { sound, links: links - 1 });
  return writers(path, stats);
}

async function writers(path: string, stats: Stats): Promise<string | undefined> {
  if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return undefined;
  if ((stats.mode & OTHERS_WRITE) !== 0) return `${path} can be written by everybody`;
  if ((stats.mode & GROUP_WRITES) === 0 || stats.gid === 0) return undefined;
  // Debian's /usr/local belongs to a group that has no members until somebody is put in.
  return (await hasMembers(stats.gid)) ? `${path} can be written by group ${stats.gid}` : undefined;
}

/** Members by /etc/group, and users whose own group it is. Where that cannot be read, there are some. */
async function hasMembers(gid: number): Promise<boolean> {
  const [groups, users] = await Promise.all(['group', 'passwd'].map((file) => readText(join('/etc', file))));
  if (groups === undefined || users === undefined) return true;
  const rows = (text: string) => text.split('\n').map((line) => line.split(':'));
  const group = rows(groups).find((fields) => fields[2] === String(gid));
  // A group that only a directory service knows may have any member.
  if (group === undefined) return true;
  const members = (group[3] ?? '').split(',').filter((name) => name !== '' && name !== 'root');
  return members.length > 0 || rows(users).some((fields) => fields[3] === String(gid) && fields[2] !== '0');
}
