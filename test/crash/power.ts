import { expect } from 'vitest';
import type { FileSystem } from './disk.ts';
import { type Images, type Layout, Machine } from './machine.ts';
import { hostOf, QUICK, type Scenario } from './scenarios.ts';
import { type Point, pointsOf, pointText, struck } from './strace.ts';
import { expectIdle, expectPutRight, expectWhole, failureText } from './verdict.ts';

export interface PowerSweep {
  readonly scenario: Scenario;
  readonly fileSystem: FileSystem;
  readonly layout: Layout;
  /** `two`: the disks as they are, and after an unrelated fsync; `all`: also those of which only one had one. */
  readonly remains: 'two' | 'all';
  /** Which of its points. */
  readonly choose: (points: readonly Point[]) => readonly Point[];
}

export interface PowerSwept {
  readonly points: number;
  /** Points at which the power was cut. */
  readonly cut: number;
  /** Boots from what the disks may have held, each different from the others after its cut; all invariants checked. */
  readonly boots: number;
  readonly missed: number;
  /** What was not as it must be, one text a boot. */
  readonly failures: readonly string[];
}

/** One state of the disks from which a machine may boot after the cut. */
interface Remains {
  readonly what: string;
  readonly images: Images;
}

/** Cuts the power at every chosen point of a run and right after a whole one, boots, and lets one tick put it right. */
export async function powerSweep(sweep: PowerSweep): Promise<PowerSwept> {
  const { scenario, fileSystem, layout } = sweep;
  const machine = new Machine(await hostOf(scenario), fileSystem, layout);
  try {
    const base = await baseOf(machine, scenario);
    const points = await pointsFrom(machine, base);
    expect(points.length).toBeGreaterThan(10);
    const chosen = sweep.choose(points);
    const cuts: (readonly Boot[] | 'missed')[] = [await cutAfterTheEnd(machine, base, sweep)];
    for (const [index, point] of chosen.entries()) {
      cuts.push(await cutAt(machine, base, { sweep, point }));
      if (index % 10 === 9) console.log(`${titleOf(sweep)}: ${index + 1} of ${chosen.length} points`);
    }
    const boots = cuts.flatMap((cut) => (cut === 'missed' ? [] : cut));
    const missed = cuts.filter((cut) => cut === 'missed').length;
    const failures = boots.flatMap(({ failure }) => failure ?? []);
    return { points: points.length, cut: chosen.length - missed, boots: boots.length, missed, failures };
  } finally {
    await machine.remove();
  }
}

/** The state in which every struck run begins, safely on the disks. */
async function baseOf(machine: Machine, scenario: Scenario): Promise<Images> {
  await machine.format();
  await machine.boot();
  await scenario.reset(machine.host);
  await machine.sync();
  const images = await machine.snapshot();
  await machine.cutPower();
  return images;
}

async function pointsFrom(machine: Machine, base: Images): Promise<readonly Point[]> {
  await machine.mount(base);
  await machine.boot();
  const points = await pointsOf(machine.host, { args: ['run'], settings: QUICK });
  await machine.cutPower();
  return points;
}

/** A machine that has power again. */
interface Boot {
  /** What was not as it must be. */
  readonly failure?: string;
}

interface Cut {
  readonly sweep: PowerSweep;
  readonly point: Point;
}

async function cutAt(machine: Machine, base: Images, { sweep, point }: Cut): Promise<readonly Boot[] | 'missed'> {
  const { host } = machine;
  await machine.mount(base);
  await machine.boot();
  const code = await struck(host, { args: ['run'], settings: QUICK, point, strike: { kind: 'kill' } });
  if (code !== 137) {
    expect([0, 20], `${pointText(point)}: exit code`).toContain(code);
    await machine.cutPower();
    return 'missed';
  }
  return bootFromAll(machine, sweep.remains, async (what) => {
    const scene = { host, scenario: sweep.scenario, label: labelOf(sweep, pointText(point), what) };
    expectWhole(scene);
    await machine.boot();
    await expectPutRight(scene);
  });
}

/** What a tick has said is true when it ends stays true: no tick is needed to make it so again. */
async function cutAfterTheEnd(machine: Machine, base: Images, sweep: PowerSweep): Promise<readonly Boot[]> {
  const { host } = machine;
  const { scenario } = sweep;
  await machine.mount(base);
  await machine.boot();
  const ran = await host.tick([], QUICK);
  expect(ran.code, `the whole run: ${ran.stderr}`).toBe(scenario.exitCode);
  return bootFromAll(machine, sweep.remains, async (what) => {
    const label = labelOf(sweep, 'the end', what);
    expectWhole({ host, scenario, label });
    await machine.boot();
    await scenario.converged(host).catch((error: unknown) => {
      throw new Error(`${label}: an acknowledged change was lost`, { cause: error });
    });
    await expectIdle(host, label);
  });
}

/** Cuts the power now, and boots from everything that the disks may hold then. */
async function bootFromAll(
  machine: Machine,
  wanted: PowerSweep['remains'],
  check: (what: string) => Promise<void>,
): Promise<readonly Boot[]> {
  const asIs = await machine.snapshot();
  const later = await machine.snapshotAfterOthers();
  await machine.cutPower();
  const boots: Boot[] = [];
  const seen = new Set<string>();
  for (const { what, images } of remainsOf(asIs, later).slice(0, wanted === 'two' ? 2 : undefined)) {
    await machine.mount(images);
    const contents = machine.contents();
    if (!seen.has(contents)) boots.push(await check(what).then(() => ({}), failed));
    seen.add(contents);
    await machine.cutPower();
  }
  for (const images of [asIs, later]) await machine.discard(images);
  return boots;
}

/** One boot that goes wrong says nothing about the others. */
function failed(error: unknown): Boot {
  return { failure: failureText(error) };
}

/** Disks know nothing of each other: any of them may have been written to when the others were not. */
function remainsOf(asIs: Images, later: Images): readonly Remains[] {
  const [first, second] = asIs;
  const [firstLater, secondLater] = later;
  const ends = [
    { what: 'as it is', images: asIs },
    { what: 'after an unrelated fsync', images: later },
  ];
  if (first === undefined || second === undefined || firstLater === undefined || secondLater === undefined) return ends;
  return [
    ...ends,
    { what: 'after an unrelated fsync beside the state', images: [firstLater, second] },
    { what: 'after an unrelated fsync beside the programs', images: [first, secondLater] },
  ];
}

export function titleOf({ scenario, fileSystem, layout }: Omit<PowerSweep, 'remains' | 'choose'>): string {
  return `${scenario.title} on ${fileSystem} (${layout})`;
}

function labelOf(sweep: PowerSweep, where: string, what: string): string {
  return `${titleOf(sweep)}: power cut at ${where}, ${what}`;
}
