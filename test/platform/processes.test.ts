import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { DeadlineError, systemClock, withDeadline } from '../../src/platform/clock.ts';
import { bootId, executedFile, processFacts, processTree } from '../../src/platform/processes.ts';
import { folder } from '../store/folder.ts';

const SLEEP = '/bin/sleep';

describe('what the kernel says about a process', () => {
  const place = folder();
  const started: ChildProcess[] = [];

  async function start(file: string, ...args: readonly string[]): Promise<ChildProcess & { pid: number }> {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    started.push(child);
    await once(child, 'spawn');
    return child as ChildProcess & { pid: number };
  }

  async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
    for (let i = 0; i < 300; i++) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await delay(10);
    }
    throw new Error('not in three seconds');
  }

  afterEach(async () => {
    for (const child of started.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('is its parent and a start time that does not change', async () => {
    const facts = await processFacts(process.pid);
    expect(facts).toEqual({
      pid: process.pid,
      parent: process.ppid,
      startTime: expect.stringMatching(/^\d+$/) as string,
    });
    expect(await processFacts(process.pid)).toEqual(facts);
  });

  it('is read right whatever the program is called', async () => {
    const program = place.path('a) Z 1 (b');
    copyFileSync(SLEEP, program);
    const child = await start(program, '60');
    expect(await processFacts(child.pid)).toMatchObject({ pid: child.pid, parent: process.pid });
  });

  it('is nothing where there is no such process', async () => {
    const child = await start('true');
    if (child.exitCode === null) await once(child, 'exit');
    expect(await processFacts(child.pid)).toBeUndefined();
    expect(await executedFile(child.pid)).toBeUndefined();
    for (const pid of [0, -1, 2 ** 22 + 1, Number.NaN, 1.5]) expect(await processFacts(pid)).toBeUndefined();
  });

  it('is nothing for a process that has ended and waits to be reaped', async () => {
    // The shell is replaced by a program that never asks how its child ended.
    const parent = await start('sh', '-c', 'true & echo $!; exec sleep 60');
    const [line] = (await once(parent.stdout ?? parent, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await until(async () => ((await processFacts(pid)) === undefined ? true : undefined));
    expect(await processTree(parent.pid)).toEqual([parent.pid]);
  });

  it('is the tree below it', async () => {
    const child = await start('sh', '-c', 'sh -c "sleep 60 & wait" & wait');
    const tree = await until(async () => {
      const pids = await processTree(child.pid);
      return pids.length >= 3 ? pids : undefined;
    });
    expect(tree[0]).toBe(child.pid);
    expect(tree).not.toContain(process.pid);
    for (const pid of tree) process.kill(pid, 'SIGKILL');
  });

  it('is the inode it executes, also after the file was replaced', async () => {
    const program = place.path('program');
    copyFileSync(SLEEP, program);
    const { ino, dev } = statSync(program, { bigint: true });
    const child = await start(program, '60', '0.5');
    const before = await until(async () => {
      const file = await executedFile(child.pid);
      return file?.path === program ? file : undefined;
    });
    expect(before).toEqual({ ino, dev, path: program, argv: [program, '60', '0.5'] });
    copyFileSync(SLEEP, place.path('next'));
    renameSync(place.path('next'), program);
    expect(await executedFile(child.pid)).toMatchObject({ ino, dev, path: `${program} (deleted)` });
    expect(statSync(program, { bigint: true }).ino).not.toBe(ino);
  });

  it('has the name of this boot', async () => {
    expect(await bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a deadline', () => {
  it('lets work that is done in time be, and tells what it left open that it has ended', async () => {
    let seen: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      seen = signal;
      return Promise.resolve(signal.aborted);
    };
    expect(await withDeadline(1_000, 'late', work)).toBe(false);
    expect(seen?.aborted).toBe(true);
  });

  it('ends work that never settles, and tells it so', async () => {
    let seen: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      seen = signal;
      return new Promise<never>(() => {});
    };
    await expect(withDeadline(20, 'too late', work)).rejects.toEqual(new DeadlineError('too late'));
    expect(seen?.reason).toBeInstanceOf(DeadlineError);
  });

  it('lets the error of the work through', async () => {
    const error = new Error('broken');
    await expect(withDeadline(1_000, 'late', () => Promise.reject(error))).rejects.toBe(error);
  });
});

describe('the clock of the system', () => {
  it('never goes back while it sleeps', async () => {
    const before = systemClock.monotonicMs();
    await systemClock.sleep(5);
    expect(systemClock.monotonicMs()).toBeGreaterThan(before);
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(60_000);
  });
});
