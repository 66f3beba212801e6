import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseTickArguments } from '../../src/cli/tick-arguments.ts';
import { folderTest, shipped } from './shipped.ts';

const text = shipped('config/bin-proxy.cron');
const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const jobs = lines.filter((line) => !/^[A-Z]+=/.test(line));
/** Five fields of time, the user, the command. */
const JOB = /^((?:\S+ ){5})(\S+) (.+)$/;
const [, , user = '', command = ''] = JOB.exec(jobs[0] ?? '') ?? [];

describe('the cron file', () => {
  it('ends with a newline: cron ignores a last line without one', () => {
    expect(text.endsWith('\n')).toBe(true);
    expect(text).not.toContain('\r');
  });

  it('has one job, every minute as root', () => {
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatch(/^\* \* \* \* \* /);
    expect(user).toBe('root');
  });

  it('holds no percent sign in its command: cron would make it a newline', () => {
    expect(command).not.toContain('%');
  });

  it('sets the shell and a PATH that finds node, supervisorctl and flock wherever they are installed', () => {
    expect(lines).toContain('SHELL=/bin/sh');
    const path = lines.find((line) => line.startsWith('PATH=')) ?? '';
    expect(path.slice('PATH='.length).split(':')).toEqual(
      expect.arrayContaining(['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']),
    );
    // cron takes the value literally.
    expect(path).not.toMatch(/[$"']/);
  });

  it('runs a tick that spreads the hosts and is silent when there is nothing to tell', () => {
    const [assignment, program, ...args] = command.split(' ');
    expect([assignment, program]).toEqual(['BIN_PROXY_SPLAY_SECONDS=50', 'bin-proxy']);
    expect(parseTickArguments(args)).toMatchObject({ command: 'run', names: [], volume: 'quiet', output: 'text' });
  });

  it('is a line that sh understands', () => {
    expect(execFileSync('sh', ['-n', '-c', command], { encoding: 'utf8' })).toBe('');
  });

  // Only Debian's crontab has a dry run; it reads a crontab without the field for the user.
  const dryRun = /-n\t?\(dry run/.test(spawnSync('crontab', ['-h'], { encoding: 'utf8' }).stderr ?? '');
  describe.skipIf(!dryRun)("for Debian's own crontab", () => {
    const check = (file: string) => spawnSync('crontab', ['-n', file], { encoding: 'utf8' });

    folderTest('has good syntax', ({ folder }) => {
      const checked = check(folder.write('bin-proxy', text.replace(' root ', ' ')));
      expect([checked.status, checked.stderr]).toEqual([0, expect.stringContaining('successfully checked')]);
    });

    folderTest('would not have it with a field too many or without its last newline', ({ folder }) => {
      expect(check(folder.write('minute', text.replace('* * * * *', '61 * * * *'))).status).toBe(1);
      expect(check(folder.write('newline', text.trimEnd())).status).toBe(1);
    });
  });
});
