import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import type { Host } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { program } from '../support/program.ts';
import { QUICK } from './scenarios.ts';
import { callsOf, MUTATING } from './strace.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];

/** A successful call that touches files, with the paths it names. */
interface Touch {
  readonly call: string;
  readonly paths: readonly string[];
  readonly line: string;
}

type Is = (touch: Touch) => boolean;

/** What one tick did to files, in its order. */
class Trace {
  readonly touches: readonly Touch[];

  constructor(touches: readonly Touch[]) {
    this.touches = touches;
  }

  static async of(host: Host): Promise<Trace> {
    const trace = [...MUTATING, 'open', 'openat', 'truncate', 'copy_file_range', 'sendfile'];
    const calls = await callsOf(host, { args: ['run'], settings: QUICK, trace });
    return new Trace(
      calls
        .filter(({ line }) => !/ = -1 /.test(line))
        .map(({ call, line }) => {
          const names = [...line.matchAll(/"([^"]*)"/g)].map(([, path]) => path ?? '');
          const descriptors = [...line.matchAll(/\d<([^>]*)>/g)].map(([, path]) => path ?? '');
          return { call, line, paths: names.length > 0 ? names : descriptors };
        }),
    );
  }

  /** The place of the only call that is so. */
  only(what: string, is: Is): number {
    const found = this.all(is);
    expect(found.length, `${what} in\n${this.text()}`).toBe(1);
    return found[0] ?? -1;
  }

  all(is: Is): readonly number[] {
    return this.touches.flatMap((touch, index) => (is(touch) ? [index] : []));
  }

  /** Each step is found after the one before. */
  expectInOrder(...steps: readonly (readonly [string, Is])[]): void {
    let from = -1;
    for (const [what, is] of steps) {
      const next = this.touches.findIndex((touch, index) => index > from && is(touch));
      expect(next, `${what}, after #${from}, in\n${this.text()}`).toBeGreaterThan(from);
      from = next;
    }
  }

  text(): string {
    return this.touches.map(({ line }, index) => `${index} ${line}`).join('\n');
  }
}

const sync =
  (path: string): Is =>
  ({ call, paths }) =>
    /^f(data)?sync$/.test(call) && paths[0] === path;
const syncBelow =
  (directory: string): Is =>
  ({ call, paths }) =>
    /^f(data)?sync$/.test(call) && dirname(paths[0] ?? '') === directory;
const renamed =
  (to: string): Is =>
  ({ call, paths }) =>
    call.startsWith('rename') && paths[1] === to;
const removed =
  (path: string): Is =>
  ({ call, paths }) =>
    call.startsWith('unlink') && paths[0] === path;

/** The live path is the destination of renames and nothing else: no byte of it is ever written in place (invariant 1). */
function expectOnlyRenamed(trace: Trace, path: string): void {
  const touched = trace.touches.filter(({ paths }) => paths.includes(path));
  const harmless: Is = (touch) =>
    renamed(path)(touch) ||
    (touch.call.startsWith('link') && touch.paths[0] === path) ||
    (touch.call.startsWith('open') && !/O_WRONLY|O_RDWR|O_TRUNC|O_CREAT/.test(touch.line));
  expect(touched.filter((touch) => !harmless(touch)).map(({ line }) => line)).toEqual([]);
  expect(trace.all(renamed(path)).length).toBe(1);
}

/** What a rename brings in must be on disk before, and the rename itself before anything is built on it. */
function expectDurable(trace: Trace): void {
  const { touches } = trace;
  const linked = new Set(touches.flatMap(({ call, paths }) => (call.startsWith('link') ? [paths[1]] : [])));
  for (const [index, { call, paths, line }] of touches.entries()) {
    if (!call.startsWith('rename')) continue;
    const [from = '', to = ''] = paths;
    const synced = linked.has(from) || touches.slice(0, index).some(sync(from));
    expect(synced, `not synced before ${line}\n${trace.text()}`).toBe(true);
    const rest = touches.slice(index + 1);
    const next = rest.findIndex((touch) => touch.call.startsWith('rename'));
    const before = next === -1 ? rest : rest.slice(0, next);
    expect(before.some(sync(dirname(to))), `directory not synced after ${line}\n${trace.text()}`).toBe(true);
  }
}

function pathsOf(host: Host) {
  const workshop = join(host.binDir, '.bin-proxy');
  return {
    live: host.path('app'),
    staging: join(workshop, 'staging'),
    backups: join(workshop, 'backups', 'app'),
    journal: join(host.stateDir, 'journal.json'),
    record: join(host.stateDir, 'binaries', 'app.json'),
  };
}

describe.skipIf(!has('strace')).concurrent('the order of what a tick does to files', () => {
  hostTest(
    'in a good update: bytes, backup and journal are durable before the rename, which is before the record (invariants 1 to 4)',
    async ({ host }) => {
      await host.runs('app', v1, ['startsecs=0']);
      host.manages('app');
      host.server.publish('app', v2);

      const trace = await Trace.of(host);

      expect(host.installed('app')).toEqual(v2);
      const { live, staging, backups, journal, record } = pathsOf(host);
      expectOnlyRenamed(trace, live);
      expectDurable(trace);
      trace.expectInOrder(
        ['the staged file is synced', syncBelow(staging)],
        ['its directory is synced', sync(staging)],
        ['the directory of backups is synced', sync(backups)],
        ['the journal is written', renamed(journal)],
        ['the state directory is synced', sync(host.stateDir)],
        ['the new file goes live', renamed(live)],
        ['its directory is synced', sync(host.binDir)],
        ['the record is written', renamed(record)],
        ['the manifest is written', renamed(host.manifest)],
        ['the history is synced', sync(join(host.stateDir, 'history.jsonl'))],
        ['the journal is removed', removed(journal)],
        ['the state directory is synced', sync(host.stateDir)],
      );
      const goesLive = trace.only('going live', renamed(live));
      expect(trace.only('the manifest', renamed(host.manifest))).toBeGreaterThan(goesLive);
      expect(trace.only('the end of the journal', removed(journal))).toBeGreaterThan(goesLive);
    },
  );

  hostTest(
    'of a file that nothing executes: it is replaced by a rename all the same (invariant 1)',
    async ({ host }) => {
      host.install('app', v1);
      host.manages({ name: 'app', service: false });
      host.server.publish('app', v2);

      const trace = await Trace.of(host);

      expect(host.installed('app')).toEqual(v2);
      expectOnlyRenamed(trace, host.path('app'));
      expectDurable(trace);
    },
  );

  hostTest(
    'in a bad update: the verdict is durable before the way back, and the way back before the journal goes (invariants 1, 4 and 5)',
    async ({ host }) => {
      await host.runs('app', v1, ['startsecs=0']);
      host.manages('app');
      host.server.publish('app', bad);

      const trace = await Trace.of(host);

      expect(host.installed('app')).toEqual(v1);
      const { live, journal, record } = pathsOf(host);
      expect(trace.all(renamed(live)).length, trace.text()).toBe(2);
      expectDurable(trace);
      trace.expectInOrder(
        ['the journal is written', renamed(journal)],
        ['the new file goes live', renamed(live)],
        ['the verdict is written', renamed(journal)],
        ['the state directory is synced', sync(host.stateDir)],
        ['the former file goes live', renamed(live)],
        ['its directory is synced', sync(host.binDir)],
        ['the quarantine is written', renamed(record)],
        ['the journal is removed', removed(journal)],
        ['the state directory is synced', sync(host.stateDir)],
      );
      expect(trace.all(renamed(host.manifest))).toEqual([]);
    },
  );
});
