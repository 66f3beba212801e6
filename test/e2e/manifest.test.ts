import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { manifestJsonSchema } from '../../src/store/manifest-schema.ts';
import { callsOf, MUTATING } from '../crash/strace.ts';
import type { Host } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { differences } from '../support/json-docs.ts';
import { program } from '../support/program.ts';

async function asked(host: Host, ...words: readonly string[]) {
  const ran = await host.run(['manifest', ...words, '--json']);
  const document = JSON.parse(ran.stdout) as { readonly schema: string };
  expect(differences(document)).toEqual([]);
  return { code: ran.code, document };
}

describe.concurrent('bin-proxy manifest', () => {
  hostTest('check tells everything that is wrong at once, and ends as a run would', async ({ host }) => {
    writeFileSync(host.manifest, '{"binaries": [\n  {"name": "a", "path": "bin"},\n  {"name": "b", "keep": 0}\n]}');
    const [checked, run] = [await host.run(['manifest', 'check']), await host.run(['run'])];
    expect(checked).toEqual(run);
    expect(checked.code).toBe(78);
    expect(checked.stderr).toContain(`${host.manifest}:2:25  binaries[0].path: must be an absolute path`);
    expect(checked.stderr).toContain(`${host.manifest}:3:25  binaries[1].keep: must be a whole number`);
    const { code, document } = await asked(host, 'check');
    expect(code).toBe(78);
    expect(document).toMatchObject({
      valid: false,
      problems: [
        { line: 2, column: 25 },
        { line: 3, column: 25 },
      ],
    });

    const other = join(host.directory, 'other.json');
    writeFileSync(other, '{"binaries": [{"name": "a", "hld": true}]}');
    expect(await asked(host, 'check', other)).toMatchObject({
      code: 0,
      document: {
        file: other,
        valid: true,
        binaries: ['a'],
        warnings: [expect.stringContaining(':1:29  binaries[0].hld: unknown key')],
      },
    });
    expect((await host.run(['manifest', 'check', join(host.directory, 'none')])).code).toBe(78);
  });

  hostTest('add makes an entry that the next run installs, and remove takes it out again', async ({ host }) => {
    host.server.publish('tool', program('1'));
    const path = join(host.directory, 'opt', 'tool');
    const words = ['add', 'tool', '--file', path, '--service', 'false', 'keep=5', 'mode=0755'];
    expect(await asked(host, ...words)).toMatchObject({ code: 0, document: { result: 'added', names: ['tool'] } });
    expect(readFileSync(host.manifest, 'utf8')).toBe(
      `{\n  "binaries": [\n    { "name": "tool", "path": "${path}", "service": false, "keep": 5, "mode": "0755" }\n  ]\n}\n`,
    );
    expect(statSync(host.manifest).mode & 0o777).toBe(0o644);
    expect((await host.tick()).code).toBe(0);
    expect(readFileSync(path)).toEqual(program('1'));

    // Once more: nothing to do, and the digest that was proven stays.
    const before = readFileSync(host.manifest, 'utf8');
    expect(await asked(host, ...words)).toMatchObject({ code: 0, document: { result: 'unchanged' } });
    const other = await host.run(['manifest', 'add', 'tool', 'keep=7', 'hold=audit']);
    expect(other).toMatchObject({ code: 20, stdout: '' });
    expect(other.stderr).toContain(
      `tool is there already, at ${host.manifest}:3\n  keep: 5 there, 7 asked for\n  hold: not set there, "audit" asked for`,
    );
    for (const [wrong, says] of [
      [['x', '--file', 'relative'], 'binaries[1].path: must be an absolute path'],
      [['x', `path=${path}`], `binaries[1].path: must be its own (is the path of binaries[0], "${path}")`],
    ] as const) {
      const refused = await host.run(['manifest', 'add', ...wrong]);
      expect([refused.code, refused.stderr]).toEqual([78, expect.stringContaining(says)]);
    }
    expect((await host.run(['manifest', 'add', 'x', 'kep=1'])).stderr).toContain('Did you mean keep?');
    expect(readFileSync(host.manifest, 'utf8')).toBe(before);

    const removed = await host.run(['manifest', 'remove', 'tool']);
    expect(removed).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('tool removed from ') });
    expect(readFileSync(host.manifest, 'utf8')).toBe('{\n  "binaries": []\n}\n');
    expect(existsSync(path)).toBe(true);
    expect((await host.run(['manifest', 'remove', 'tool'])).code).toBe(2);
  });

  hostTest('waits for a run that holds the lock, and writes as durably as a tick (invariant 11)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    mkdirSync(dirname(host.lockFile), { recursive: true });
    const holder = spawn('flock', [host.lockFile, 'sh', '-c', 'echo; read _'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(holder.stdout, 'data');
    const waiting = host.run(['manifest', 'add', 'tool']);
    const early = await Promise.race([waiting, host.run(['manifest', 'check'])]);
    expect(early.stdout).toContain('valid, 1 binary: app');
    holder.stdin.end();
    expect((await waiting).stdout).toContain('tool added to ');

    const scene = { environment: (more: Readonly<Record<string, string>>) => host.environment(more) };
    const calls = await callsOf(scene, { args: ['manifest', 'remove', 'tool'], settings: {}, trace: MUTATING });
    const ours = calls.filter(
      ({ line }) => line.includes('bin-manifests.json') || line.includes(`<${host.directory}>`),
    );
    expect(ours.map(({ call }) => call).filter((call) => !/chown|chmod/.test(call))).toEqual([
      'fsync',
      'rename',
      'fsync',
    ]);
    rmSync(host.manifest);
    expect((await host.run(['manifest', 'remove', 'app'])).code).toBe(2);
  });

  hostTest('schema is the one that editors are given', async ({ host }) => {
    const { stdout } = await host.run(['manifest', 'schema']);
    expect(JSON.parse(stdout)).toEqual(manifestJsonSchema());
  });
});
