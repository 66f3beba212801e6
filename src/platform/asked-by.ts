import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { processFacts } from './processes.ts';

/** Programs that start jobs at set times, as the kernel names them. */
const CRONS: ReadonlySet<string> = new Set(['cron', 'crond', 'CRON', 'CROND', 'fcron', 'anacron', 'busybox-cron']);
/** cron, its child, a shell or two, and sudo. */
const MOST_ANCESTORS = 8;

/**
 * Who asked for this run, as the history tells it: `user NAME`, `cron`, `systemd`, or `unattended` where nobody can be
 * told. A person who went through sudo is named by sudo; a name is what the environment says, and no proof.
 */
export async function askedBy(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { SUDO_USER: sudoer, SYSTEMD_EXEC_PID: started } = environment;
  if (await isUnderCron()) return 'cron';
  if (sudoer !== undefined && sudoer !== '') return `user ${sudoer}`;
  if (process.stdin.isTTY || process.stderr.isTTY) return `user ${environment['LOGNAME'] ?? ourName()}`;
  return started === String(process.pid) ? 'systemd' : 'unattended';
}

async function isUnderCron(): Promise<boolean> {
  let pid = process.ppid;
  for (let depth = 0; pid > 1 && depth < MOST_ANCESTORS; depth++) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (CRONS.has(name.trim())) return true;
    pid = (await processFacts(pid))?.parent ?? 0;
  }
  return false;
}

/** A uid may have no name. */
function ourName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
