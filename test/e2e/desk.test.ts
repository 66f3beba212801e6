import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect } from 'vitest';
import { type Host, PROGRAM, runProgram } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { DOCUMENTED, differences } from '../support/json-docs.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];
const bad = program('bad', { life: 300 });
const short = (bytes: Buffer) => md5(bytes).slice(0, 8);

/** A document of a command, held to docs/json.md. */
async function asked(host: Host, ...args: readonly string[]) {
  const ran = await host.run([...args, '--json']);
  const document = JSON.parse(ran.stdout) as { readonly schema: string };
  expect(differences(document)).toEqual([]);
  return { code: ran.code, document };
}

async function told(host: Host, ...args: readonly string[]): Promise<string> {
  const ran = await host.run(args);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  return ran.stdout;
}

function replace(host: Host, name: string, bytes: Buffer): void {
  rmSync(host.path(name));
  host.install(name, bytes);
}

describe("the operator's desk", () => {
  hostTest(
    'tells of a host in each of its states, as text and as documented JSON',
    { timeout: 120_000 },
    async ({ host }) => {
      const schemas = new Set<string>();
      const json = async (...args: readonly string[]) => {
        const { code, document } = await asked(host, ...args);
        schemas.add(document.schema);
        return { code, document };
      };
      host.manages('app', { name: 'kept', service: false, hold: 'audit' }, { name: 'gone', service: false });
      host.install('kept', v1);
      await host.runs('app', v1);
      host.server.publish('app', v2);

      // Fresh: nothing was ever changed here.
      expect(await told(host, 'status')).toMatch(
        new RegExp(
          [
            '^NAME  VERSION  DIGEST    STATE     SERVICE +LAST OUTCOME  KEPT',
            `app   -        ${short(v1)}  as found  RUNNING \\w+ +-             0`,
            `kept  -        ${short(v1)}  held      none +-             0`,
            'gone  -        -         MISSING   none +-             0',
            '',
            'kept: held: audit',
            `gone: MISSING: there is no file at ${host.path('gone')}`,
            'Why, and what to do: bin-proxy explain NAME',
            '',
            'Last change  none yet\\n',
          ].join('\\n'),
        ),
      );
      expect(host.server.requests).toEqual([]);
      expect((await json('plan')).document).toMatchObject({ schema: 'bin-proxy/plan/1' });

      const file = join(host.directory, 'saved.plan');
      await host.run(['plan', '--out', file]);
      const saved = JSON.parse(readFileSync(file, 'utf8')) as { schema: string };
      expect(differences(saved)).toEqual([]);
      schemas.add(saved.schema);

      // Proving.
      await json('run');
      const proving = await json('status', 'app');
      expect(proving).toMatchObject({
        code: 0,
        document: {
          binaries: [{ name: 'app', state: 'proving', digest: `md5:${md5(v2)}`, processes: [{ state: 'running' }] }],
          lock: { state: 'free' },
        },
      });

      // Rolled back, and in quarantine.
      host.server.publish('app', bad);
      await json('run');
      expect((await json('status', 'app')).document).toMatchObject({
        binaries: [{ state: 'quarantined', last: { outcome: 'rolled-back' }, version: 'latest' }],
      });
      const why = await told(host, 'explain', 'app');
      expect(why).toContain(`offered     ${short(bad)}`);
      expect(why).toContain('decision    left alone (quarantined)');
      expect(why).toContain('bin-proxy retry app');
      expect(why).toMatch(/stderr of app:\n +panic: VERSION=bad/);
      expect(why).toMatch(/rejected file {2}\S+rejected\/app\.md5-/);
      const summed = await host.run(['run', '-v']);
      expect(summed.stdout).toMatch(
        /^app +quarantined +[\s\S]*failed here once: .*; next attempt \d{4}-\d\d-\d\d \d\d:\d\dZ$/m,
      );
      expect(summed.stdout).toMatch(/^1 quarantined, 1 held, 1 failed\.$/m);
      host.server.requests.length = 0;
      expect((await json('explain', 'app', 'kept', '--offline')).document).toMatchObject({
        binaries: [
          { decision: 'leave', reason: 'quarantined', lastRollback: { evidence: { fault: 'release' } } },
          { decision: 'leave', reason: 'held', why: 'audit' },
        ],
      });
      expect(host.server.requests).toEqual([]);

      // Every change, who asked for it, and a line that a crash has cut off.
      appendFileSync(join(host.stateDir, 'history.jsonl'), '{"at":"2026-11\n');
      const history = await json('history', 'app', '--limit', '1');
      expect(history.document).toMatchObject({
        changes: [{ outcome: 'rolled-back', by: expect.any(String) as string }],
        notShown: 1,
        damagedLines: 1,
      });
      const lines = await told(host, 'history', '--since', '1h');
      expect(lines).toContain(`updated      ${short(v1)} -> ${short(v2)}`);
      expect(lines).toContain('1 line of the history cannot be read');

      // All as recorded; then a file and a backup are not.
      expect(await json('verify')).toMatchObject({ code: 0, document: { wrong: 0 } });
      // A kept file is told by what it is: its name alone is a line long.
      expect(await told(host, 'verify', 'app')).toMatch(new RegExp(`^app +ok +${short(v1)}  factory$`, 'm'));
      replace(host, 'app', v1);
      writeFileSync(join(host.binDir, '.bin-proxy/backups/app', `app.md5-${md5(v1)}`), 'rotten');
      const verified = await host.run(['verify', 'app']);
      expect(verified.code).toBe(100);
      expect(verified.stdout).toContain(`expected ${short(v2)} (the record), found ${short(v1)}`);
      expect(verified.stdout).toContain(`expected ${short(v1)} (its name), found `);
      expect(verified.stdout).toContain('3 not as recorded.');

      // Drifted and locked, without a supervisor and without a server.
      mkdirSync(dirname(host.lockFile), { recursive: true });
      const holder = spawn('flock', [host.lockFile, 'sh', '-c', 'echo; read _'], { stdio: ['pipe', 'pipe', 'ignore'] });
      await once(holder.stdout, 'data');
      await host.supervisor.stop();
      await host.server.stop();
      expect(await json('status', 'app')).toMatchObject({
        code: 0,
        document: {
          binaries: [{ state: 'drifted', processes: [] }],
          servicesUnknown: expect.stringContaining('supervisor.sock') as string,
          lock: { state: 'held' },
        },
      });
      expect((await json('unlock')).code).toBe(75);
      holder.stdin.end();
      expect((await json('explain', 'app')).document).toMatchObject({
        binaries: [{ state: 'drifted', decision: 'fail', reason: 'source-unreachable' }],
      });

      // About the set-up; what they say is tested beside them.
      const others = ['hold kept', 'unhold kept', 'retry app'];
      for (const question of [
        'doctor',
        'config show',
        'help exit-codes',
        'manifest check',
        'manifest add app',
        ...others,
      ])
        await json(...question.split(' '));
      await json('install', '--root', join(host.directory, 'root'), '--dry-run');
      expect([...schemas].sort()).toEqual([...DOCUMENTED].sort());
    },
  );

  hostTest('fits into a terminal, and is whole for everybody else', async ({ host }) => {
    const reason = 'the load test of the payment gateway on Friday night, of which Alice of the other team knows all';
    const name = 'a-rather-long-name-of-one-of-our-own';
    host.install(name, v1);
    host.manages({ name, service: false, hold: reason });
    const onTerminal = async (command: string) => {
      const line = `stty cols 80; exec ${host.node} ${PROGRAM} ${command}`;
      const ran = await runProgram('script', ['-qec', line, '/dev/null'], { ...host.environment(), SHELL: '/bin/sh' });
      return stripVTControlCharacters(ran.stdout).replaceAll('\r\n', '\n');
    };
    const shown = await onTerminal('status');
    expect(shown.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(shown).toMatch(new RegExp(`^NAME +VERSION +STATE +SERVICE +LAST OUTCOME\n${name}  - +held +none +-$`, 'm'));
    expect(shown.replaceAll(/\n {4}/g, ' ')).toContain(`${name}: held: ${reason}\n`);
    expect(await told(host, 'status')).toContain(`${name}: held: ${reason}\n`);
    const document = JSON.parse(await onTerminal('status --json')) as object;
    expect(document).toMatchObject({ binaries: [{ name, state: 'held', detail: reason }] });
  });

  hostTest('refuses what would not be heeded', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    for (const args of [
      ['run', '--offline'],
      ['status', '--since', '1h'],
      ['history', '--since', 'soon'],
      ['explain'],
    ]) {
      expect((await host.run(args)).code).toBe(2);
    }
  });
});
