import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { openLog } from '../../src/platform/log.ts';
import { has } from '../support/components.ts';
import { type Folder, folderTest, shipped } from './shipped.ts';

const run = promisify(execFile);
const text = shipped('config/bin-proxy.logrotate');
const PATH = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** The shipped file for a log in a folder of the test. Only root can give a file to the group `adm`. */
function adapted(folder: Folder): string {
  const moved = text.replaceAll('/var/log/', `${folder.path}/`);
  const mayGive = process.geteuid?.() === 0 && execFileSync('getent', ['group', 'adm'], { encoding: 'utf8' }) !== '';
  return folder.write('logrotate', mayGive ? moved : moved.replace(' root adm', ''));
}

/** Every line of the log and of what was rotated away, in any order. */
function everyLine(folder: Folder): readonly string[] {
  const names = readdirSync(folder.path).filter((name) => name.startsWith('bin-proxy.log'));
  return names.flatMap((name) => {
    const bytes = readFileSync(folder.join(name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n').slice(0, -1);
  });
}

/**
 * A second program that appends to the same log, until it finds a file that tells it to stop. It leaves some time
 * between its lines: logrotate does not like a log that comes back before it has made a new one itself.
 */
function otherWriter(log: string): ChildProcess {
  const script =
    'n=0; while [ ! -e "$1.stop" ]; do n=$((n+1)); echo "other $n" >> "$1"; sleep 0.01; done; echo $n > "$1.count"';
  return spawn('sh', ['-c', script, 'sh', log], { stdio: 'ignore' });
}

describe('the logrotate file', () => {
  it('is about the log that the program writes by default', () => {
    const log = SETTINGS.find(({ key }) => key === 'logFile');
    expect(text).toMatch(new RegExp(`^${log?.fallback} \\{$`, 'm'));
  });

  it('never copies and truncates: that loses lines', () => {
    const directives = text
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.trim());
    expect(directives).not.toContain('copytruncate');
    expect(directives).toEqual(
      expect.arrayContaining(['weekly', 'rotate 8', 'compress', 'missingok', 'notifempty', 'create 0640 root adm']),
    );
  });

  describe.skipIf(!has('logrotate'))('for the real logrotate', () => {
    folderTest('is understood as it is meant', ({ folder }) => {
      const file = adapted(folder);
      folder.write('bin-proxy.log', 'one line\n');
      const { status, stderr } = spawnSync('logrotate', ['-d', '-s', folder.join('state'), file], {
        encoding: 'utf8',
        env: PATH,
      });
      expect(status).toBe(0);
      expect(stderr).toContain(`rotating pattern: ${folder.path}/bin-proxy.log  weekly (8 rotations)`);
      expect(stderr).toContain('empty log files are not rotated');
      expect(stderr).not.toMatch(/^error:/m);
    });

    folderTest('does nothing, and says nothing, where there is no log yet', ({ folder }) => {
      const ran = spawnSync('logrotate', ['-f', '-s', folder.join('state'), adapted(folder)], {
        encoding: 'utf8',
        env: PATH,
      });
      expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, '', '']);
    });

    folderTest('loses no line of two programs that write while it rotates (invariant 8)', async ({ folder }) => {
      const file = adapted(folder);
      const path = folder.write('bin-proxy.log', '');
      const log = openLog({ file: path, fileLevel: 'info', stderrLevel: 'error', run: 'test' });
      const other = otherWriter(path);
      const rotated = (async () => {
        for (let rotation = 0; rotation < 4; rotation++) {
          await run('logrotate', ['-f', '-s', folder.join('state'), file], { env: PATH });
          await delay(100);
        }
        return 'rotated' as const;
      })();
      let written = 0;
      while ((await Promise.race([rotated, delay(10)])) !== 'rotated') log.info(`ours ${++written}`);
      folder.write('bin-proxy.log.stop', '');
      await once(other, 'exit');
      const others = Number(folder.read('bin-proxy.log.count'));

      const lines = everyLine(folder);
      const count = (word: string) =>
        new Set(lines.filter((line) => line.includes(word)).map((line) => line.split(' ').at(-1))).size;
      expect(readdirSync(folder.path)).toEqual(expect.arrayContaining(['bin-proxy.log.1', 'bin-proxy.log.2.gz']));
      expect([count('ours '), count('other ')]).toEqual([written, others]);
      expect(statSync(path).mode & 0o777).toBe(0o640);
    });
  });
});
