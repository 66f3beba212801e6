import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Host, RanTick } from '../support/host.ts';
import { QUICK, type Scenario } from './scenarios.ts';

/** A host after a strike, and how that strike is called where something is wrong. */
export interface Scene {
  readonly host: Host;
  readonly scenario: Scenario;
  readonly label: string;
}

/** Invariant 1, right after the strike: one complete file or the other, executable, and a manifest that can be read. */
export function expectWhole({ host, scenario, label }: Scene): void {
  const path = host.path('app');
  const found = existsSync(path) ? readFileSync(path) : undefined;
  const whole = scenario.whole.some((one) => (one === undefined ? found === undefined : found?.equals(one) === true));
  expect(whole, `${label}: ${path} is torn (${found?.length} bytes)`).toBe(true);
  if (found !== undefined) expect(statSync(path).mode & 0o111, `${label}: mode`).toBe(0o111);
  expect(() => host.manifestEntry('app'), `${label}: manifest`).not.toThrow();
}

/** One tick puts everything right, and a second one finds nothing to do. */
export async function expectPutRight(scene: Scene, args: readonly string[] = []): Promise<void> {
  const { host, scenario, label } = scene;
  const ran = await unlocked(host, args);
  expectWhole(scene);
  try {
    await scenario.converged(host);
    await expectIdle(host, label);
  } catch (error) {
    throw new Error(`${label}: the next tick (exit ${ran.code}) has not put it right\n${ran.stderr}\n${host.log()}`, {
      cause: error,
    });
  }
}

/** A tick that finds nothing to do, and nothing left over. */
export async function expectIdle(host: Host, label: string): Promise<void> {
  const idle = await unlocked(host, []);
  expect(idle.code, `${label}: second tick`).toBe(0);
  expect(host.leftovers()).toEqual([]);
  expect(temporaries(host)).toBe('');
}

/** What went wrong at one point of a sweep; told at once, since a sweep takes hours. */
export function failureText(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const text = cause instanceof Error ? `${message}\n${cause.message}` : message;
  console.error(text);
  return text;
}

/** The kernel frees a dead run's lock within moments. */
async function unlocked(host: Host, args: readonly string[]): Promise<RanTick> {
  for (let time = 0; ; time++) {
    const ran = await host.tick(args, QUICK);
    if (ran.code !== 75 || time > 20) return ran;
    await delay(100);
  }
}

function temporaries(host: Host): string {
  return execFileSync('find', [host.directory, '-name', '*.tmp'], { encoding: 'utf8' });
}
