import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Puts `supervisord` and `supervisorctl` into a directory: the little supervisor under the names of the real one. */
export function installStandIn(directory: string): void {
  const program = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  for (const [name, file] of [
    ['supervisord', program('little-supervisor')],
    ['supervisorctl', program('little-supervisorctl')],
  ] as const) {
    writeFileSync(join(directory, name), `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(file)} "$@"\n`, {
      mode: 0o755,
    });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
