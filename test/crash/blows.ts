import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Host, PROGRAM } from '../support/host.ts';
import type { Dice } from './dice.ts';

/** What befalls a tick, and when: after a time, or so long after the journal was written (where live steps begin). */
export interface Blow {
  readonly on: 'the tick' | 'its supervisorctl';
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly after: 'the start' | 'the journal';
  readonly ms: number;
}

export interface Blown {
  /** Whether it hit the tick itself, and killed it. */
  readonly killed: boolean;
  readonly code: number | null;
  readonly stderr: string;
}

export function blowText({ on, signal, after, ms }: Blow): string {
  return `${signal} to ${on} ${Math.round(ms)} ms after ${after}`;
}

/** Most are kills of the tick. Of those, half come anywhere, and half close to a step that changes something. */
export function throwBlow(dice: Dice): Blow {
  const kind = dice.next();
  const on = kind < 0.1 ? 'its supervisorctl' : 'the tick';
  const signal = kind > 0.93 ? 'SIGTERM' : 'SIGKILL';
  return dice.chance(0.5)
    ? { on, signal, after: 'the start', ms: dice.between(150, 3000) }
    : { on, signal, after: 'the journal', ms: dice.between(0, 1) ** 2 * 1500 };
}

/** Runs one tick and lets the blow fall on it. One that ends before is none the worse for it. */
export async function blown(host: Host, blow: Blow, settings: Readonly<Record<string, string>>): Promise<Blown> {
  const before = journalVersion(host);
  const child = spawn(process.execPath, [PROGRAM, 'run'], {
    env: host.environment(settings),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(child, 'exit');
  if (blow.after === 'the journal') await until(child, () => journalVersion(host) !== before);
  await Promise.race([delay(blow.ms), ended]);
  if (blow.on === 'the tick') child.kill(blow.signal);
  else {
    await until(child, () => supervisorctlOf(child) !== undefined);
    const victim = supervisorctlOf(child);
    if (victim !== undefined) signalIfThere(victim, blow.signal);
  }
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  // Before it listens for signals it ends as any program does.
  const asOfShell = signal === 'SIGTERM' ? 143 : code;
  return { killed: signal === 'SIGKILL', code: asOfShell, stderr: Buffer.concat(chunks).toString('utf8') };
}

async function until(child: ChildProcess, condition: () => boolean): Promise<void> {
  while (child.exitCode === null && child.signalCode === null && !condition()) await delay(3);
}

function journalVersion(host: Host): bigint | undefined {
  return statSync(join(host.stateDir, 'journal.json'), { bigint: true, throwIfNoEntry: false })?.ino;
}

/** The children of every thread: whichever of them has started a program is its parent. */
function supervisorctlOf({ pid }: ChildProcess): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('supervisorctl'));
  } catch {
    return undefined;
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was faster.
  }
}
