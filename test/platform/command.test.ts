import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { commandPath, runCommand } from '../../src/platform/command.ts';
import { processFacts } from '../../src/platform/processes.ts';
import { folder } from '../store/folder.ts';

const LIMITS = { timeoutMs: 10_000 };

describe('running a program', { timeout: 8_000 }, () => {
  const place = folder();

  // A directory of PATH that this user may not search would make a program that is missing one that is forbidden.
  beforeEach(() => {
    vi.stubEnv('PATH', '/usr/bin:/bin');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ['true', [], { kind: 'exited', code: 0, stdout: '', stderr: '' }],
    ['false', [], { kind: 'exited', code: 1, stdout: '', stderr: '' }],
    ['sh', ['-c', 'echo out; echo err >&2; exit 42'], { kind: 'exited', code: 42, stdout: 'out\n', stderr: 'err\n' }],
    ['sh', ['-c', 'kill -9 $$'], { kind: 'killed', why: 'killed by SIGKILL', stdout: '', stderr: '' }],
    ['no-such-program-anywhere', [], { kind: 'not-found' }],
    ['/no/such/program', [], { kind: 'not-found' }],
  ])('tells how it ended: %s %j', async (file, args, result) => {
    expect(await runCommand(file, args, LIMITS)).toEqual(result);
  });

  it('tells why it could not be started', async () => {
    writeFileSync(place.path('plain'), 'not a program');
    const result = await runCommand(place.path('plain'), [], LIMITS);
    expect(result).toMatchObject({
      kind: 'not-started',
      code: 'EACCES',
      why: expect.stringContaining('EACCES') as string,
    });
    expect(await runCommand(place.path(), [], LIMITS)).toMatchObject({ kind: 'not-started', code: 'EACCES' });
  });

  it('gives arguments as they are: no shell looks at them (invariant 9)', async () => {
    const args = ['a b', '$HOME', '`id`', ';reboot', '*', '', '"', "'", '\n', '--', 'ä'];
    const result = await runCommand('printf', ['[%s]', ...args], LIMITS);
    expect(result).toMatchObject({ stdout: args.map((arg) => `[${arg}]`).join('') });
  });

  it('runs in /, in English, with stdin at its end', async () => {
    const script = 'pwd; echo "$LC_ALL"; cat; echo "$PATH"';
    const result = await runCommand('sh', ['-c', script], LIMITS);
    expect(result).toMatchObject({ kind: 'exited', stdout: `/\nC\n${commandPath()}\n` });
  });

  it.each(['BIN_MANAGER_TOKEN', 'BIN_PROXY_PING_URL'])('tells it no secret (invariant 14): %s', async (variable) => {
    vi.stubEnv(variable, 'https://hunter2.example/');
    const result = await runCommand('env', [], LIMITS);
    expect(result).toMatchObject({ kind: 'exited', code: 0 });
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  it('ends one that takes too long, with what it had said', async () => {
    const result = await runCommand('sh', ['-c', 'echo begun; exec sleep 60'], { timeoutMs: 300 });
    expect(result).toEqual({ kind: 'killed', why: 'no end after 0.3 s', stdout: 'begun\n', stderr: '' });
  });

  it('ends one that does not listen to SIGTERM', async () => {
    const script = 'trap "" TERM; echo $$; while :; do sleep 0.1; done';
    const result = await runCommand('sh', ['-c', script], { timeoutMs: 300 });
    expect(result).toMatchObject({ kind: 'killed', why: 'no end after 0.3 s' });
    const pid = Number(result.kind === 'killed' ? result.stdout : 0);
    expect(pid).toBeGreaterThan(1);
    expect(await processFacts(pid)).toBeUndefined();
  });

  it('does not wait for a child that a program has left behind', async () => {
    const left = await runCommand('sh', ['-c', 'sleep 60 & echo $!'], { timeoutMs: 4_000 });
    const pid = Number('stdout' in left ? left.stdout : 0);
    process.kill(pid, 'SIGKILL');
    expect(left).toMatchObject({ kind: 'exited', code: 0 });
  });

  it('leaves nothing behind that keeps this process', async () => {
    // Timers that are counted, and nobody else's among them.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await runCommand('true', [], LIMITS);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends one when it is asked to, also before it has begun', async () => {
    const controller = new AbortController();
    const running = runCommand('sleep', ['60'], { ...LIMITS, signal: controller.signal });
    await delay(100);
    controller.abort();
    expect(await running).toMatchObject({ kind: 'killed', why: 'aborted' });
    expect(await runCommand('sleep', ['60'], { ...LIMITS, signal: AbortSignal.abort() })).toMatchObject({
      kind: 'killed',
    });
  });

  it('keeps no more than a quarter of a megabyte of what it says, and lets it go on', async () => {
    const script = 'head -c 2000000 /dev/zero | tr "\\0" x; echo done > "$0"';
    const result = await runCommand('sh', ['-c', script, place.path('done')], LIMITS);
    expect(result).toMatchObject({ kind: 'exited', code: 0 });
    expect('stdout' in result && result.stdout.length).toBe(256 * 1024);
    expect(readFileSync(place.path('done'), 'utf8')).toBe('done\n');
  });
});

describe('the path of commands', () => {
  it('has the standard places behind the given ones, each once: cron gives no more than /usr/bin:/bin', () => {
    expect(commandPath('/usr/bin:/bin')).toBe('/usr/bin:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin');
    expect(commandPath('/opt/x')).toBe('/opt/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });

  it('has no empty part, which would mean the current directory', () => {
    expect(commandPath('')).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    expect(commandPath(':/opt/x::').split(':')).not.toContain('');
  });
});
