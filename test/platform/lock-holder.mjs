// Takes the lock in a process of its own and says so on stdout, one JSON line an event; a line on stdin releases it.
import { createInterface } from 'node:readline';
import { takeLock } from '../../dist/platform/lock.js';

process.exitCode = 70;
const say = (event) => console.log(JSON.stringify(event));
try {
  const lock = await takeLock(process.argv[2], new Date());
  lock.lost.addEventListener('abort', () => say({ lost: lock.lost.reason.message }));
  say({ held: true });
  for await (const _ of createInterface({ input: process.stdin })) break;
  await lock.release();
  say({ released: true });
  process.stdin.destroy();
} catch ({ code, message, hint }) {
  say({ refused: { code, message, hint } });
}
process.exitCode = 0;
