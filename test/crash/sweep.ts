import { expect } from 'vitest';
import type { Host } from '../support/host.ts';
import { hostOf, QUICK, type Scenario } from './scenarios.ts';
import { type Point, pointsOf, pointText, type Strike, sample, struck } from './strace.ts';
import { expectPutRight, expectWhole, failureText } from './verdict.ts';

/** `SWEEP=all` strikes at every point; otherwise a few of every scenario stand for the others. */
const SAMPLE = process.env['SWEEP'] === 'all' ? Number.POSITIVE_INFINITY : 2;

export interface Swept {
  readonly points: number;
  readonly struck: number;
  /** Points that the run did not reach this time: how often a timer fires is not the same in every run. */
  readonly missed: number;
  /** What was not put right, and where: every point has its turn, whatever came of the one before. */
  readonly failures: readonly string[];
}

/** Strikes runs of a scenario, one at each chosen point, and lets the next tick put everything right. */
export async function sweep(scenario: Scenario, strikeAt: (index: number) => Strike): Promise<Swept> {
  const host = await hostOf(scenario);
  try {
    await host.supervisor.start();
    await scenario.reset(host);
    const points = await pointsOf(host, { args: scenario.args ?? ['run'], settings: QUICK });
    expect(points.length).toBeGreaterThan(10);
    const chosen = sample(points, SAMPLE);
    const failures: string[] = [];
    let missed = 0;
    for (const [index, point] of chosen.entries()) {
      try {
        if ((await strikeOnce(host, { scenario, point, strike: strikeAt(index) })) === 'missed') missed += 1;
      } catch (error) {
        failures.push(failureText(error));
      }
    }
    return { points: points.length, struck: chosen.length - missed, missed, failures };
  } finally {
    await host.remove();
  }
}

interface Case {
  readonly scenario: Scenario;
  readonly point: Point;
  readonly strike: Strike;
}

async function strikeOnce(host: Host, { scenario, point, strike }: Case): Promise<'struck' | 'missed'> {
  const label = `${scenario.title}: ${strike.kind === 'kill' ? 'killed' : strike.code} at ${pointText(point)}`;
  await scenario.reset(host);
  const code = await struck(host, { args: scenario.args ?? ['run'], settings: QUICK, point, strike });
  const missed = strike.kind === 'kill' && code !== 137;
  if (strike.kind === 'error' || missed) expect([0, 20, 21, 71, 74, 75, 77], `${label}: exit code`).toContain(code);
  const scene = { host, scenario, label };
  expectWhole(scene);
  // A host that failed waits a while before it tries again; an operator does not.
  await expectPutRight(scene, strike.kind === 'kill' ? [] : ['--force']);
  return missed ? 'missed' : 'struck';
}
