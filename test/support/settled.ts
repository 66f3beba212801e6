import { setTimeout as delay } from 'node:timers/promises';

/** What is known of a file is kept only of one that has not changed for 2 s: a second change might leave no trace. */
export async function untilSettled(): Promise<void> {
  await delay(2_100);
}
