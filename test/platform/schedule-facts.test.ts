import { chmodSync, mkdirSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { findProgram, ignoredCrontabs, isAbsoluteIn, lastBegun, pathOf } from '../../src/platform/schedule-facts.ts';
import { folderTest, shipped } from '../config/shipped.ts';
import { isRoot } from '../support/components.ts';

const JOB = '* * * * * root bin-proxy run --quiet\n';
const TIMER = { file: '/etc/systemd/system/timers.target.wants/bin-proxy.timer', when: 'minutely' };

describe('what a schedule finds', () => {
  folderTest('is on the PATH of its own file, else on that of cron', async ({ folder }) => {
    const shippedFile = folder.write('shipped', shipped('config/bin-proxy.cron'));
    const bare = folder.write('bare', JOB);
    expect(await pathOf({ file: shippedFile, when: '' })).toBe(
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    );
    expect(await pathOf({ file: bare, when: '' })).toBe('/usr/bin:/bin');
    expect(await pathOf({ file: folder.write('quoted', `PATH = "/opt/bin"\n${JOB}`), when: '' })).toBe('/opt/bin');
    expect(await pathOf(TIMER)).toContain('/usr/local/bin');
  });

  folderTest('is a program that may be executed', async ({ folder }) => {
    const file = folder.write('bin-proxy', '#!/bin/sh\n');
    expect(await findProgram('bin-proxy', `/nowhere:${folder.path}`)).toBeUndefined();
    const crontab = { file: folder.write('tab', JOB.replace('bin-proxy', file)), when: '' };
    expect(await isAbsoluteIn(crontab, 'bin-proxy')).toBe(false);
    chmodSync(file, 0o755);
    expect(await findProgram('bin-proxy', `/nowhere:${folder.path}`)).toBe(file);
    expect(await isAbsoluteIn(crontab, 'bin-proxy')).toBe(true);
    expect(await isAbsoluteIn({ file: folder.write('bare', JOB), when: '' }, 'bin-proxy')).toBe(false);
  });
});

describe.skipIf(!isRoot)('a file that cron passes over', () => {
  folderTest('is told with the reason, and others are not', async ({ folder }) => {
    mkdirSync(folder.join('etc/cron.d'), { recursive: true });
    const write = (name: string, text: string) => folder.write(`etc/cron.d/${name}`, text);
    write('good', JOB);
    write('other.cron', '* * * * * root backup\n');
    write('bin-proxy.dpkg-dist', JOB);
    write('commented.out', `#${JOB}`);
    const dotted = write('bin-proxy.cron', JOB);
    const open = write('open', JOB);
    chmodSync(open, 0o666);
    const cut = write('cut', JOB.trimEnd());
    expect([...(await ignoredCrontabs('bin-proxy', folder.path))].sort()).toEqual(
      [
        [dotted, 'its name has a dot in it'],
        [cut, 'its last line does not end with a newline'],
        [open, 'others than root may write it'],
      ].sort(),
    );
  });
});

describe('when the last run began', () => {
  const says = (stdout: string) => async () => ({ kind: 'exited', code: 0, stdout, stderr: '' }) as const;

  folderTest('is what systemd says of its timer', async () => {
    const now = new Date();
    expect(await lastBegun(TIMER, now, says('@1795248913\n'))).toEqual(new Date(1_795_248_913_000));
    expect(await lastBegun(TIMER, now, says('\n'))).toBeUndefined();
    expect(await lastBegun(TIMER, now, async () => ({ kind: 'not-found' }))).toBeUndefined();
  });
});
