import { type Log, openLog } from '../platform/log.ts';
import type { Tick } from './tick.ts';

/** The log of one tick, as loud as it was asked to be. */
export function logOf({ settings, invocation, run }: Tick): Log {
  const { volume } = invocation;
  const stderr = { quiet: 'error', normal: 'error', verbose: 'info', debug: 'debug' } as const;
  return openLog({
    file: settings.logFile,
    fileLevel: volume === 'debug' ? 'debug' : 'info',
    stderrLevel: stderr[volume],
    run,
  });
}
