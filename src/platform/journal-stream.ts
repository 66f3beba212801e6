import { fstatSync } from 'node:fs';

const STDERR = 2;
/** syslog(3), as sd-daemon(3) reads it at the beginning of a line. */
const PRIORITIES = { error: 3, warn: 4, info: 6, debug: 7 } as const;

/**
 * What a line on stderr begins with: its priority where stderr is the journal, else nothing. `JOURNAL_STREAM` names the
 * journal's end by device and inode, because a child may inherit the variable and have another stderr (systemd.exec(5)).
 */
export function journalPrefix(level: keyof typeof PRIORITIES): string {
  return isJournal() ? `<${PRIORITIES[level]}>` : '';
}

/** Whether stderr goes into the journal of systemd. */
export function isJournal(): boolean {
  const stream = process.env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(STDERR, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
