import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from './files.ts';

/** What starts runs of a program on this host again and again. */
export interface Schedule {
  /** The file that says so. */
  readonly file: string;
  /** As it stands there: five fields of cron, or systemd's calendar. */
  readonly when: string;
  /** Where that is each minute: when the next one begins, RFC 3339 UTC. */
  readonly next?: string;
}

const CRON_LINE = /^\s*(@\w+|(?:[\d*][\d*,/-]*\s+){2}(?:\S+\s+){2}\S+)\s+(.*)$/;
const EVERY_MINUTE: ReadonlySet<string> = new Set(['* * * * *', '*/1 * * * *', 'minutely', '*:*', '*-*-* *:*:00']);

/**
 * Looks for `program` in the crontabs of the system and of root, and among the enabled timers. Nothing is asked and
 * nothing is started; what cannot be read is not there. `root` is `/` but in tests.
 */
export async function schedulesOf(program: string, now: Date, root = '/'): Promise<readonly Schedule[]> {
  const found = [...(await inCrontabs(program, root)), ...(await inTimers(program, root))];
  const next = new Date(Math.floor(now.getTime() / 60_000 + 1) * 60_000).toISOString();
  return found.map((one) => (EVERY_MINUTE.has(one.when) ? { ...one, next } : one));
}

async function inCrontabs(program: string, root: string): Promise<readonly Schedule[]> {
  const folder = join(root, 'etc/cron.d');
  // cron skips names with a dot in them, without a word.
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[\w-]+$/.test(name));
  const files = [
    join(root, 'etc/crontab'),
    ...names.map((name) => join(folder, name)),
    join(root, 'var/spool/cron/crontabs/root'),
  ];
  const found: Schedule[] = [];
  for (const file of files) {
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n')) {
      const [, when, command = ''] = CRON_LINE.exec(line) ?? [];
      if (when !== undefined && startsRuns(command, program))
        found.push({ file, when: when.trim().replaceAll(/\s+/g, ' ') });
    }
  }
  return found;
}

/** A nightly `bin-proxy verify` is none of them. */
function startsRuns(command: string, program: string): boolean {
  const words = command.split(/[\s;&|]+/);
  return words.some((word, index) => {
    const behind = words[index + 1] ?? '';
    return (word === program || word.endsWith(`/${program}`)) && (behind === 'run' || !/^[a-z]+$/.test(behind));
  });
}

/** A timer counts where it is enabled: the links to it are what systemd reads at boot. */
async function inTimers(program: string, root: string): Promise<readonly Schedule[]> {
  const file = join(root, 'etc/systemd/system/timers.target.wants', `${program}.timer`);
  const text = await readText(file).catch(() => undefined);
  const when = /^OnCalendar=(.+)$/m.exec(text ?? '')?.[1]?.trim();
  return when === undefined ? [] : [{ file, when }];
}
