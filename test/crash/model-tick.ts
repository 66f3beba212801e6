import { expect } from 'vitest';
import type { RanTick } from '../support/host.ts';
import { outcomeOf } from '../support/host-test.ts';
import type { Model, World } from './model.ts';

/** What a tick that is left alone may answer, as `outcome reason`, its exit code, and what lies at the path afterwards. */
interface Expected {
  readonly answers: RegExp;
  readonly codes: readonly number[];
  readonly installed: 'as before' | 'offered' | 'either';
}

/** Follows from the model alone. */
function expected(model: Model, installed: string): Expected {
  const { offer } = model;
  if (model.hold === 'on') return { answers: /^held held$/, codes: [0], installed: 'as before' };
  if (model.server === 'down') return { answers: /^failed source-unreachable$/, codes: [69], installed: 'as before' };
  if (offer === undefined) return { answers: /^failed no-such-release$/, codes: [20], installed: 'as before' };
  if (offer.md5 === installed) return { answers: /^up-to-date/, codes: [0], installed: 'as before' };
  const isOut = model.quarantined.has(offer.version);
  if (isOut) return { answers: /^held quarantined$/, codes: [0], installed: 'as before' };
  if (offer.kind === 'impostor') {
    return { answers: /^(failed digest-mismatch|held backing-off)$/, codes: [0, 20], installed: 'as before' };
  }
  if (model.tried.has(offer.version)) return { answers: /./, codes: [0, 20, 21], installed: 'either' };
  if (offer.kind === 'good' || model.service === 'stopped')
    return { answers: /^updated /, codes: [0], installed: 'offered' };
  return model.former === 'healthy'
    ? { answers: /^rolled-back did-not-(start|stay-up)$/, codes: [20], installed: 'as before' }
    : { answers: /^(rolled-back|rollback-failed) /, codes: [20, 21], installed: 'as before' };
}

/** One tick that is left alone, judged by the model and taken into it. */
export async function tickAndJudge(model: Model, world: World): Promise<void> {
  const before = world.installed();
  if (model.former === 'unsure' && model.offer !== undefined)
    model.allowance.set(model.offer.version, Number.POSITIVE_INFINITY);
  const ran = await world.tick();
  const now = world.installed();
  world.story.push(`  -> exit ${ran.code}`);
  if (model.unsettled > 0) expectRecovered(model, ran);
  else expectAsModelled(expected(model, before), { model, world, ran, before });
  takeIn(model, world, { ran, now });
  expect(world.host.leftovers()).toEqual([]);
  world.mustHold(model);
}

function expectRecovered(model: Model, ran: RanTick): void {
  expect(model.former === 'unsure' ? [0, 20, 21, 69] : [0, 20, 69]).toContain(ran.code);
  if (model.offer !== undefined && model.hold === 'off' && model.server === 'up') model.possible.add(model.offer.md5);
}

interface Seen {
  readonly model: Model;
  readonly world: World;
  readonly ran: RanTick;
  readonly before: string;
}

function expectAsModelled(wanted: Expected, { model, world, ran, before }: Seen): void {
  const { outcome, reason } = outcomeOf(ran, 'app');
  expect(`${outcome} ${reason}`).toMatch(wanted.answers);
  expect(wanted.codes).toContain(ran.code);
  const offered = model.offer?.md5 ?? before;
  const may = { 'as before': [before], offered: [offered], either: [before, offered] }[wanted.installed];
  expect(may).toContain(world.installed());
}

function takeIn(model: Model, world: World, { ran, now }: { readonly ran: RanTick; readonly now: string }): void {
  const { offer } = model;
  const outcome = ran.binaries.findLast((one) => one.name === 'app');
  const isSure = model.unsettled === 0 && model.former === 'healthy';
  if (offer !== undefined && outcome?.outcome === 'rolled-back' && isSure) model.quarantined.add(offer.version);
  else if (offer !== undefined && !['up-to-date', 'updated'].includes(outcome?.outcome ?? '')) {
    if (model.unsettled > 0 || model.former === 'unsure') model.tried.add(offer.version);
  }
  const installed = world.released(now);
  if (installed?.kind === 'dies') {
    // Installed while its service was stopped, or nobody could judge it: what starts it from now on is not counted.
    model.former = 'unsure';
    model.allowance.set(installed.version, Number.POSITIVE_INFINITY);
  } else if (outcome?.outcome === 'updated') model.former = 'healthy';
  model.possible = new Set([now]);
  model.unsettled = 0;
}
