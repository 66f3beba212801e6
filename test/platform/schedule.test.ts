import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schedulesOf } from '../../src/platform/schedule.ts';
import { shipped } from '../config/shipped.ts';

const NOW = new Date('2026-11-21T08:15:30.000Z');
const NEXT = '2026-11-21T08:16:00.000Z';
const WANTS = 'etc/systemd/system/timers.target.wants/bin-proxy.timer';

describe('what starts a program again and again', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bin-proxy-schedule-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const found = async (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    return (await schedulesOf('bin-proxy', NOW, root)).map(({ file: _, ...one }) => one);
  };

  it('is nothing on a host without crontabs and timers', async () => {
    expect(await schedulesOf('bin-proxy', NOW, root)).toEqual([]);
  });

  it('is the cron file and the timer that are shipped, with the next minute', async () => {
    expect(await found('etc/cron.d/bin-proxy', shipped('config/bin-proxy.cron'))).toEqual([
      { when: '* * * * *', next: NEXT },
    ]);
    expect(await found(WANTS, shipped('config/bin-proxy.timer'))).toContainEqual({ when: 'minutely', next: NEXT });
  });

  it("is a line of root's own crontab, as the README has it", async () => {
    const line = '*/5 1-3 * * mon . /etc/bin-proxy/config && /usr/local/bin/bin-proxy run --quiet\n';
    expect(await found('var/spool/cron/crontabs/root', `PATH=/bin\n${line}`)).toEqual([{ when: '*/5 1-3 * * mon' }]);
  });

  it.each([
    ['a comment', 'etc/cron.d/bin-proxy', '#* * * * * root bin-proxy run\n'],
    ['another program', 'etc/cron.d/other', '* * * * * root bin-proxy-backup run\n'],
    ['another command of it', 'etc/cron.d/verify', '0 3 * * 0 root bin-proxy verify --quiet\n'],
    ['a file that cron skips', 'etc/cron.d/bin-proxy.cron', '* * * * * root bin-proxy run\n'],
    ['a timer that is not enabled', 'etc/systemd/system/bin-proxy.timer', '[Timer]\nOnCalendar=minutely\n'],
  ])('is not %s', async (_what, path, text) => {
    expect(await found(path, text)).toEqual([]);
  });
});
