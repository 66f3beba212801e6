import { hostDraw, hostId } from '../../src/platform/host-id.ts';
import { has } from './components.ts';
import type { Host } from './host.ts';
import { hostTest } from './host-test.ts';

/** A test that sets the time of its ticks. */
export const timeTest = has('faketime') ? hostTest : hostTest.skip;

/** The program's settings under faketime: windows and durations go on in real time. */
export const FAKED = { FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' };

/** Lets every later tick of a host begin at this moment. */
export function beginAt(host: Host, moment: Date): void {
  host.launcher = ['faketime', '-f', `@${moment.toISOString().slice(0, 19).replace('T', ' ')}`];
}

/** Lets every later tick of a host see this moment, however long it takes. */
export function stayAt(host: Host, moment: Date): void {
  host.launcher = ['faketime', '-f', moment.toISOString().slice(0, 19).replace('T', ' ')];
}

/** A moment of tomorrow that is so many minutes after the one in which this host keeps alive. */
export async function minutesAfterKeepalive(minutes: number): Promise<Date> {
  const quarter = 15 * 60_000;
  const tomorrow = Math.floor((Date.now() + 86_400_000) / quarter) * quarter;
  const own = Math.floor(hostDraw(await hostId(), 'keepalive') * 15);
  return new Date(tomorrow + (own + minutes) * 60_000 + 5_000);
}
