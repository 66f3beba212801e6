import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { Host, type RanTick } from '../support/host.ts';
import { QUICK, type Scenario } from './scenarios.ts';
import { type Point, pointsOf, pointText, type Strike, struck } from './strace.ts';

/** `SWEEP=all` strikes at every point; otherwise a few of every scenario stand for the others. */
const SAMPLE = process.env['SWEEP'] === 'all' ? Number.POSITIVE_INFINITY : 4;

export interface Swept {
  readonly points: number;
  readonly struck: number;
  /** Points that the run did not reach this time: how often a timer fires is not the same in every run. */
  readonly missed: number;
}

/** Strikes runs of a scenario, one at each chosen point, and lets the next tick put everything right. */
export async function sweep(scenario: Scenario, strikeAt: (index: number) => Strike): Promise<Swept> {
  const host = await hostOf(scenario);
  try {
    await scenario.reset(host);
    const points = await pointsOf(host, { args: ['run'], settings: QUICK });
    expect(points.length).toBeGreaterThan(10);
    const chosen = sample(points);
    let missed = 0;
    for (const [index, point] of chosen.entries()) {
      if ((await strikeOnce(host, { scenario, point, strike: strikeAt(index) })) === 'missed') missed += 1;
    }
    return { points: points.length, struck: chosen.length - missed, missed };
  } finally {
    await host.remove();
  }
}

async function hostOf(scenario: Scenario): Promise<Host> {
  const host = await Host.create();
  for (const name of scenario.programs) {
    host.supervisor.program({ name, command: host.path(name), options: ['startsecs=0'] });
  }
  await host.supervisor.start();
  return host;
}

/** Evenly spread, the first and the last among them. */
function sample(points: readonly Point[]): readonly Point[] {
  if (points.length <= SAMPLE) return points;
  const step = (points.length - 1) / (SAMPLE - 1);
  return Array.from({ length: SAMPLE }, (_, index) => points[Math.round(index * step)]).flatMap((point) => point ?? []);
}

interface Case {
  readonly scenario: Scenario;
  readonly point: Point;
  readonly strike: Strike;
}

async function strikeOnce(host: Host, { scenario, point, strike }: Case): Promise<'struck' | 'missed'> {
  const label = `${scenario.title}: ${strike.kind === 'kill' ? 'killed' : strike.code} at ${pointText(point)}`;
  await scenario.reset(host);
  const code = await struck(host, { args: ['run'], settings: QUICK, point, strike });
  const missed = strike.kind === 'kill' && code !== 137;
  if (strike.kind === 'error' || missed) expect([0, 20, 21, 75, 77], `${label}: exit code`).toContain(code);
  expectWhole(host, scenario, label);
  // A host that failed waits a while before it tries again; an operator does not.
  const force = strike.kind === 'kill' ? [] : ['--force'];
  const ran = await unlocked(host, force);
  expectWhole(host, scenario, label);
  try {
    await scenario.converged(host);
    const idle = await unlocked(host, []);
    expect(idle.code, `${label}: second tick`).toBe(0);
    expect(host.leftovers()).toEqual([]);
    expect(temporaries(host)).toBe('');
  } catch (error) {
    throw new Error(`${label}: the next tick (exit ${ran.code}) has not put it right\n${ran.stderr}\n${host.log()}`, {
      cause: error,
    });
  }
  return missed ? 'missed' : 'struck';
}

/** Invariant 1, right after the strike: one complete file or the other, executable, and a manifest that can be read. */
function expectWhole(host: Host, scenario: Scenario, label: string): void {
  const path = host.path('app');
  const found = existsSync(path) ? readFileSync(path) : undefined;
  const whole = scenario.whole.some((one) => (one === undefined ? found === undefined : found?.equals(one) === true));
  expect(whole, `${label}: ${path} is torn (${found?.length} bytes)`).toBe(true);
  if (found !== undefined) expect(statSync(path).mode & 0o111, `${label}: mode`).toBe(0o111);
  expect(() => host.manifestEntry('app'), `${label}: manifest`).not.toThrow();
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
