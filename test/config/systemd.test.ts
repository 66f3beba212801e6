import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { parseTickArguments } from '../../src/cli/tick-arguments.ts';
import { parseArguments } from '../../src/manager/command-line.ts';
import { folderTest, shipped } from './shipped.ts';

const service = valuesOf(shipped('config/bin-proxy.service'));
const server = valuesOf(shipped('config/bin-manager.service'));
const timer = valuesOf(shipped('config/bin-proxy.timer'));

function valuesOf(unit: string): ReadonlyMap<string, string> {
  const lines = unit.split('\n').filter((line) => /^[A-Za-z]+=/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe('the systemd units', () => {
  it('run one quiet tick, and take a held lock for no failure', () => {
    expect(service.get('Type')).toBe('oneshot');
    const [env, program, ...args] = (service.get('ExecStart') ?? '').split(' ');
    expect([env, program]).toEqual(['/usr/bin/env', 'bin-proxy']);
    expect(parseTickArguments(args)).toMatchObject({ command: 'run', names: [], volume: 'quiet' });
    expect(EXIT_CODES).toContainEqual([Number(service.get('SuccessExitStatus')), 'another run holds the lock']);
  });

  it('signal the program alone, so that the lock outlives a stop (invariant 11)', () => {
    expect(service.get('KillMode')).toBe('mixed');
    expect(service.has('RuntimeDirectory')).toBe(false);
  });

  it('tick every minute, each host at its own second', () => {
    expect(Object.fromEntries(timer)).toMatchObject({
      OnCalendar: 'minutely',
      RandomizedDelaySec: '50',
      FixedRandomDelay: 'true',
      AccuracySec: '1s',
      WantedBy: 'timers.target',
    });
  });

  it('serve releases as a user that may write to the store alone', async () => {
    const [env, program, ...args] = (server.get('ExecStart') ?? '').split(' ');
    expect([env, program]).toEqual(['/usr/bin/env', 'bin-manager']);
    expect(await parseArguments(args)).toMatchObject({ invocation: { command: 'serve' } });
    expect(Object.fromEntries(server)).toMatchObject({
      User: 'bin-manager',
      ProtectSystem: 'strict',
      KillMode: 'mixed',
    });
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  describe.skipIf(!hasSystemd)('for the real systemd', () => {
    const verify = (...units: readonly string[]) =>
      spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });

    folderTest('have not one unknown word', ({ folder }) => {
      const units = ['bin-proxy.service', 'bin-proxy.timer', 'bin-manager.service'].map((name) =>
        folder.write(name, shipped(`config/${name}`)),
      );
      const verified = verify(...units);
      expect([verified.status, verified.stderr.split('\n').filter((line) => line.includes(folder.path))]).toEqual([
        0,
        [],
      ]);
    });

    folderTest('would not pass with a mistake', ({ folder }) => {
      const unit = folder.write(
        'bin-proxy.service',
        shipped('config/bin-proxy.service').replace('KillMode=', 'KillMod='),
      );
      expect(verify(unit).stderr).toMatch(/Unknown key (name )?'KillMod'/);
    });

    folderTest('leave a server that is taken over little to do', ({ folder }) => {
      const unit = folder.write('bin-manager.service', shipped('config/bin-manager.service'));
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
      expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
    });

    it('mean every minute', () => {
      const { stdout } = spawnSync('systemd-analyze', ['calendar', timer.get('OnCalendar') ?? ''], {
        encoding: 'utf8',
      });
      expect(stdout).toContain('Normalized form: *-*-* *:*:00');
    });
  });
});
