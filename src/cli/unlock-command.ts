import { setTimeout as delay } from 'node:timers/promises';
import { lockOwner, ownerText } from '../platform/lock-owner.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import { loadSettings } from './settings.ts';
import { terminal } from './terminal.ts';

const PATIENCE_MS = 45_000;
const POLL_MS = 250;

/**
 * `bin-proxy unlock`: who holds the lock. A dead holder holds nothing, so there is nothing to break: `--force` asks a
 * live one to end, which finishes or undoes what it is doing.
 */
export async function unlockCommand(invocation: Invocation): Promise<ExitCode> {
  const { settings } = await loadSettings({ flags: invocation.settings, environment: process.env });
  const out = terminal(invocation.color);
  const answer = (text: string, state: string) => {
    out.line(
      invocation.output === 'json'
        ? JSON.stringify({ schema: 'bin-proxy/unlock/1', lock: settings.lockFile, state })
        : text,
    );
  };
  const owner = await lockOwner(settings.lockFile);
  if (owner === undefined) {
    answer(`${settings.lockFile} is free.`, 'free');
    return 0;
  }
  if (invocation.force === 'no') {
    answer(`${settings.lockFile} is held by ${ownerText(owner)}.\n"bin-proxy unlock --force" asks it to end.`, 'held');
    return 75;
  }
  process.kill(owner.pid, 'SIGTERM');
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await delay(POLL_MS)) {
    if ((await lockOwner(settings.lockFile)) === undefined) {
      answer(`${settings.lockFile} is free: pid ${owner.pid} has ended.`, 'freed');
      return 0;
    }
  }
  answer(`${settings.lockFile} is still held by ${ownerText(owner)}; it was asked to end.`, 'held');
  return 75;
}
