import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PARTS = {
  supervisord: async (args: readonly string[]) => (await import('./little-supervisor.ts')).littleSupervisor(args),
  supervisorctl: async (args: readonly string[]) =>
    (await import('./little-supervisorctl.ts')).littleSupervisorctl(args),
};

/**
 * Puts `supervisord` and `supervisorctl` into a directory: the little supervisor under the names of the real one. Both
 * are this program itself (`program` and {@link playPart}): a stand-alone executable has no other file to start.
 */
export function installStandIn(directory: string, program: readonly string[]): void {
  for (const name of Object.keys(PARTS)) {
    const command = [...program, 'little', name].map(quoted).join(' ');
    writeFileSync(join(directory, name), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  }
}

/** What those files run: `bin-proxy little NAME [ARGUMENTS]`. Returns the exit code. */
export async function playPart([name = '', ...args]: readonly string[]): Promise<number> {
  if (name === 'supervisord' || name === 'supervisorctl') return PARTS[name](args);
  process.stderr.write(`bin-proxy: no little ${name}; this is a part of "bin-proxy demo"\n`);
  return 2;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
