import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../dist/platform/asked-by.js', import.meta.url).href;
const SCRIPT = `process.stdout.write(await (await import('${MODULE}')).askedBy(process.env))`;

/** What a process without a terminal says, started by `sh` or by a copy of it under another name. */
function asked(shell: string, environment: Readonly<Record<string, string>>): string {
  const command = `'${process.execPath}' --input-type=module -e "$SCRIPT"; exit $?`;
  return execFileSync(shell, ['-c', command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { SCRIPT, ...environment },
  });
}

describe('who asked for a run', () => {
  it('is the user whom sudo names, else nobody that can be told', () => {
    expect(asked('/bin/sh', { SUDO_USER: 'ada', LOGNAME: 'root' })).toBe('user ada');
    expect(asked('/bin/sh', { LOGNAME: 'root', SYSTEMD_EXEC_PID: '1' })).toBe('unattended');
  });

  it('is cron where one is among the parents, whatever the environment says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-asked-'));
    try {
      copyFileSync('/bin/sh', join(folder, 'cron'));
      expect(asked(join(folder, 'cron'), { SUDO_USER: 'ada' })).toBe('cron');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
