import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PromptedCommand } from '../../src/platform/prompted-command.ts';

const LIMITS = { timeoutMs: 10_000 };
/** Prompts as a shell of Python does, and says what it was told. */
const ASKS = `printf 'one\\ntwo\\nsay> '; read -r line && echo "told $line"; read -r more || exit 7`;

function prompted(script: string): PromptedCommand {
  return new PromptedCommand('sh', ['-c', script]);
}

describe('a program that was started before it is needed', { timeout: 8_000 }, () => {
  it('waits at its prompt, is given one line, and ends with its stdin', async () => {
    const command = prompted(ASKS);
    expect(command.waits).toBe(false);
    expect(await command.prompted(LIMITS.timeoutMs)).toEqual({ kind: 'waits', said: 'one\ntwo\n' });
    expect(command.waits).toBe(true);

    const result = await command.tell('a  b; echo $HOME', LIMITS);

    expect(result).toEqual({ kind: 'exited', code: 7, stdout: 'one\ntwo\nsay> told a  b; echo $HOME\n', stderr: '' });
    expect(command.waits).toBe(false);
  });

  it('has nothing to say before its prompt, or says it bit by bit', async () => {
    const silent = prompted("printf '> '; read -r line");
    expect(await silent.prompted(LIMITS.timeoutMs)).toEqual({ kind: 'waits', said: '' });
    const slow = prompted("printf 'a line'; sleep 0.2; printf ' > of it\\n'; sleep 0.2; printf '> '; read -r line");
    expect(await slow.prompted(LIMITS.timeoutMs)).toEqual({ kind: 'waits', said: 'a line > of it\n' });
    for (const command of [silent, slow]) command.dismiss();
  });

  it.each([
    ['true', { kind: 'exited', code: 0, stdout: '', stderr: '' }],
    ['echo no >&2; exit 2', { kind: 'exited', code: 2, stdout: '', stderr: 'no\n' }],
    ['kill -9 $$', { kind: 'killed', why: 'killed by SIGKILL', stdout: '', stderr: '' }],
  ])('tells how it ended without a prompt: %s', async (script, result) => {
    const command = prompted(script);
    expect(await command.prompted(LIMITS.timeoutMs)).toEqual(result);
    expect(command.waits).toBe(false);
  });

  it('tells that there is no such program', async () => {
    expect(await new PromptedCommand('no-such-program', []).prompted(LIMITS.timeoutMs)).toEqual({ kind: 'not-found' });
  });

  it('is ended where it does not prompt in time', async () => {
    const command = prompted('read -r line');
    expect(await command.prompted(200)).toMatchObject({ kind: 'killed', why: 'no end after 0.2 s' });
  });

  it('is ended where its line takes too long, or is wanted no more', async () => {
    const asleep = prompted("printf '> '; read -r line; exec sleep 60");
    await asleep.prompted(LIMITS.timeoutMs);
    expect(await asleep.tell('go', { timeoutMs: 200 })).toMatchObject({ kind: 'killed', why: 'no end after 0.2 s' });
    const unwanted = prompted("printf '> '; read -r line; exec sleep 60");
    await unwanted.prompted(LIMITS.timeoutMs);
    const signal = AbortSignal.abort();
    expect(await unwanted.tell('go', { ...LIMITS, signal })).toMatchObject({ kind: 'killed', why: 'aborted' });
  });

  it('waits no more where it has died', async () => {
    const command = prompted("printf '> '; exec sleep 0.2");
    await command.prompted(LIMITS.timeoutMs);
    await expect.poll(() => command.waits, { timeout: 5_000 }).toBe(false);
  });

  it('is dismissed without a line', async () => {
    const command = prompted(ASKS);
    await command.prompted(LIMITS.timeoutMs);
    command.dismiss();
    expect(command.waits).toBe(false);
  });

  it('is not waited for by whoever has started it, and ends with it (invariant 8)', async () => {
    const module = new URL('../../dist/platform/prompted-command.js', import.meta.url).href;
    const script = `
      const { PromptedCommand } = await import('${module}');
      const told = await new PromptedCommand('sh', ['-c', 'echo $$; printf "> "; read -r line; sleep 1']).prompted(9000);
      process.stdout.write(told.said);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    await once(child, 'exit');
    const waiting = Number(said);
    expect(waiting).toBeGreaterThan(0);
    // Its own stdin has ended, and it is on its way out.
    await expect.poll(() => isThere(waiting), { timeout: 5_000 }).toBe(false);
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
