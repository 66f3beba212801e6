import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/platform/lock.ts';
import { type LockOwner, lockOwner } from '../../src/platform/lock-owner.ts';
import { processFacts } from '../../src/platform/processes.ts';
import { folder } from '../store/folder.ts';
import { has } from '../support/components.ts';
import { signalHelpers } from '../support/lock-helpers.ts';
import { LockHolder } from './lock-holder.ts';

const NOW = new Date('2030-05-06T07:08:09.000Z');

describe.skipIf(!has('flock'))('the lock (invariant 11)', { timeout: 15_000 }, () => {
  const place = folder();
  const file = () => place.path('run', 'lock');
  const started: LockHolder[] = [];

  function holder(): LockHolder {
    const one = new LockHolder(file());
    started.push(one);
    return one;
  }

  async function holding(): Promise<LockHolder> {
    const one = holder();
    expect(await one.next()).toEqual({ held: true });
    return one;
  }

  /** The holder's death is noticed by its helper a moment later. */
  async function takenAtLast(): Promise<Awaited<ReturnType<typeof takeLock>>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await takeLock(file(), NOW);
      } catch (error) {
        if (attempt === 100) throw error;
        await delay(50);
      }
    }
  }

  afterEach(async () => {
    for (const one of started.splice(0)) {
      one.signal('SIGKILL');
      await one.ended();
    }
  });

  it('is held by one at a time; the other is told by whom, and what to do', async () => {
    const first = await holding();
    const { refused } = await holder().next();
    expect(refused?.code).toBe('lock-held');
    expect(refused?.message).toMatch(
      new RegExp(`^the lock ${file()} is held by pid ${first.pid} since 20[\\d-]+ [\\d:]+Z, command "bin-proxy .*"$`),
    );
    expect(refused?.hint).toBe('Wait for it to end; "bin-proxy unlock" shows who holds it.');
  });

  it('goes to exactly one of many who ask at once', async () => {
    const events = await Promise.all(Array.from({ length: 6 }, () => holder().next()));
    expect(events.filter(({ held }) => held)).toHaveLength(1);
    expect(events.filter(({ refused }) => refused?.code === 'lock-held')).toHaveLength(5);
  });

  it('is free after its release, and nothing but the empty lock file is left', async () => {
    const first = await holding();
    first.release();
    expect(await first.next()).toEqual({ released: true });
    expect(await first.ended()).toBe(0);
    expect(readdirSync(place.path('run'))).toEqual(['lock']);
    expect(await lockOwner(file())).toBeUndefined();
    const lock = await takeLock(file(), NOW);
    await lock.release();
  });

  it('is free when its holder was killed: no time has to pass, no clock is asked', async () => {
    const first = await holding();
    first.signal('SIGKILL');
    await first.ended();
    expect(await lockOwner(file())).toBeUndefined();
    const lock = await takenAtLast();
    expect(await lockOwner(file())).toMatchObject({ pid: process.pid, since: NOW.toISOString() });
    await lock.release();
  });

  it('stays with a holder that is stopped', async () => {
    const first = await holding();
    first.signal('SIGSTOP');
    await expect(takeLock(file(), NOW)).rejects.toMatchObject({ code: 'lock-held' });
    first.signal('SIGCONT');
  });

  it('is free whatever a dead run left behind, also from the future', async () => {
    mkdirSync(`${file()}.d/not empty`, { recursive: true });
    writeFileSync(file(), '');
    writeFileSync(`${file()}.owner`, '{"pid":1,');
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(`${file()}.d`, future, future);
    const lock = await takeLock(file(), NOW);
    expect(await lockOwner(file())).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('is lost when its helper ends, and its holder is told', async () => {
    const lock = await takeLock(file(), NOW);
    expect(lock.lost.aborted).toBe(false);
    await signalHelpers(process.pid, file(), 'SIGKILL');
    await delay(0);
    for (let i = 0; !lock.lost.aborted && i < 200; i++) await delay(10);
    expect(lock.lost.reason).toMatchObject({
      name: 'RunError',
      code: 'lock-lost',
      message: `the lock ${file()} was lost: its helper process ended`,
    });
    await lock.release();
    expect(existsSync(file())).toBe(true);
  });

  it('that is lost does not keep its holder from ending', async () => {
    const first = await holding();
    await signalHelpers(first.pid, file(), 'SIGKILL');
    expect((await first.next()).lost).toContain('its helper process ended');
    first.release();
    expect(await first.next()).toEqual({ released: true });
    expect(await first.ended()).toBe(0);
  });

  it('that was lost and is held by another now stays with the other', async () => {
    const first = await holding();
    await signalHelpers(first.pid, file(), 'SIGKILL');
    await first.next();
    const second = await holding();
    first.release();
    expect(await first.next()).toEqual({ released: true });
    expect(await first.ended()).toBe(0);
    expect(await lockOwner(file())).toMatchObject({ pid: second.pid });
    expect((await holder().next()).refused?.code).toBe('lock-held');
    second.release();
    expect(await second.next()).toEqual({ released: true });
  });

  it('that cannot be made is a matter of permission', async () => {
    writeFileSync(place.path('run'), 'a file where a directory should be');
    await expect(takeLock(file(), NOW)).rejects.toMatchObject({
      code: 'no-permission',
      message: expect.stringContaining(`cannot lock ${file()}: `) as string,
      hint: 'Run as root, or set BIN_PROXY_LOCK_FILE to a place you may write.',
    });
  });

  it('is released also where somebody has suspended its helper', async () => {
    const holder = new LockHolder(file());
    expect(await holder.next()).toEqual({ held: true });
    await signalHelpers(holder.pid, file(), 'SIGSTOP');
    holder.release();
    expect(await holder.next()).toEqual({ released: true });
    const lock = await takeLock(file(), NOW);
    await lock.release();
  });

  it('keeps others from looking into its directory', async () => {
    const lock = await takeLock(file(), NOW);
    expect(statSync(place.path('run')).mode & 0o777).toBe(0o700);
    await lock.release();
  });
});

describe('who holds the lock', () => {
  const place = folder();
  const owner = async (more: Partial<LockOwner> = {}): Promise<LockOwner> => ({
    pid: process.pid,
    startTime: (await processFacts(process.pid))?.startTime ?? '',
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    since: NOW.toISOString(),
    command: 'bin-proxy run',
    ...more,
  });
  const ownerAfter = async (text: string) => {
    writeFileSync(place.path('lock.owner'), text);
    return lockOwner(place.path('lock'));
  };

  it('is believed where pid, start time and boot are those of a live process', async () => {
    expect(await ownerAfter(JSON.stringify(await owner()))).toEqual(await owner());
  });

  it.each<[string, Partial<LockOwner>]>([
    ['the pid has been given to another process', { startTime: '1' }],
    ['the machine was started anew', { bootId: '00000000-0000-0000-0000-000000000000' }],
    ['the process has ended', { pid: 2 ** 22 + 1 }],
    ['the pid is none', { pid: -1 }],
  ])('is nobody where %s', async (_, more) => {
    expect(await ownerAfter(JSON.stringify(await owner(more)))).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '7', '{"pid":"1"}', '{"pid":1}'])(
    'is nobody where the file says %j',
    async (text) => {
      expect(await ownerAfter(text)).toBeUndefined();
    },
  );

  it.skipIf(!has('flock'))('is known to the kernel where it could not be noted', async () => {
    const file = place.path('mutex');
    const lock = await takeLock(file, NOW);
    rmSync(`${file}.owner`);
    const found = await lockOwner(file);
    await lock.release();
    expect(found).toMatchObject({ pid: process.pid, startTime: (await owner()).startTime });
    expect(await lockOwner(file)).toBeUndefined();
  });

  it('is nobody where there is no file', async () => {
    expect(await lockOwner(place.path('nowhere'))).toBeUndefined();
  });

  it('is not known where the file cannot be read: that is not to be taken for nobody', async () => {
    mkdirSync(place.path('lock.owner'));
    await expect(lockOwner(place.path('lock'))).rejects.toMatchObject({ code: 'no-permission', hint: 'Run as root.' });
  });
});
