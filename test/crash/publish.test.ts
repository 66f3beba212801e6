import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { has } from '../support/components.ts';
import { digestAnswer, StoreFolder, script } from '../support/release-store.ts';
import { type Point, pointsOf, pointText, type Strike, sample, struck } from './strace.ts';

/** `SWEEP=all` strikes at every point; otherwise a few of every command stand for the others. */
const SAMPLE = process.env['SWEEP'] === 'all' ? Number.POSITIVE_INFINITY : 2;
const LIMIT_MS = 24 * 3_600_000;
const ERRORS = ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EDQUOT'];

const [one, two, three] = [script('one'), script('two'), script('three')];

/** A command on a store with two versions, and what hosts of stable get before and after it. */
interface Scenario {
  readonly title: string;
  readonly args: (store: StoreFolder) => readonly string[];
  /** Bytes that stable may offer at any moment; undefined: nothing. */
  readonly whole: readonly (Buffer | undefined)[];
  readonly converged: Buffer | undefined;
  /** A store without a binary at all. */
  readonly fresh?: true;
  /** What else is there, or is not as it should be, before every strike. */
  readonly prepare?: (store: StoreFolder) => Promise<void> | void;
  /** What else must hold right after a strike, and when all is done. */
  readonly check?: (store: StoreFolder, when: 'struck' | 'done') => void;
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'the first publication',
    args: (store) => ['publish', 'app', store.file(three), '--version', '3'],
    whole: [undefined, three],
    converged: three,
    fresh: true,
  },
  {
    title: 'a publication',
    args: (store) => ['publish', 'app', store.file(three), '--version', '3'],
    whole: [two, three],
    converged: three,
  },
  {
    title: 'a publication by force',
    args: (store) => ['publish', 'app', store.file(three), '--version', '2', '--force'],
    whole: [two, three],
    converged: three,
  },
  { title: 'a promotion', args: () => ['promote', 'app', '1'], whole: [two, one], converged: one },
  { title: 'a withdrawal', args: () => ['withdraw', 'app', '2'], whole: [two, one], converged: one },
  { title: 'a prune', args: () => ['prune', '--keep', '1', 'old'], whole: [two], converged: two },
  {
    title: 'a repair',
    args: () => ['verify', '--repair'],
    whole: [one, two],
    converged: two,
    prepare: damageViews,
  },
  {
    title: 'an export over an earlier one',
    args: (store) => ['export', exportOf(store), '--delete'],
    whole: [two],
    converged: two,
    prepare: exportEarlier,
    check: expectExported,
  },
];

/** A channel that leads elsewhere, a version that leads nowhere, an answer for nothing, and an index of another day. */
function damageViews(store: StoreFolder): void {
  const view = (path: string) => join(store.store, 'api/v1', path);
  unlinkSync(view('releases/stable/app'));
  symlinkSync('../1/app', view('releases/stable/app'));
  unlinkSync(view('releases/2/app'));
  symlinkSync('../releases/stable/app/release.json', view('bins/stray'));
  rmSync(view('index.json'));
  writeFileSync(view('index.json'), '{"schema":"bin-manager/index/1","binaries":{}}\n');
}

const STRAY = 'bins/gone';

function exportOf({ directory }: StoreFolder): string {
  return join(directory, 'export');
}

/** As it was while stable pointed at 1, and with a file that is offered no more. */
async function exportEarlier(store: StoreFolder): Promise<void> {
  const [copy, target] = [join(store.directory, 'export-copy'), exportOf(store)];
  if (!existsSync(copy)) {
    for (const args of [
      ['promote', 'app', '1'],
      ['export', copy],
    ]) {
      expect((await store.run(...args)).code).toBe(0);
    }
    writeFileSync(join(copy, 'api/v1', STRAY), '{}');
    rmSync(store.store, { recursive: true });
    execFileSync('cp', ['-a', join(store.directory, 'copy'), store.store]);
  }
  rmSync(target, { recursive: true, force: true });
  execFileSync('cp', ['-a', copy, target]);
}

/** Files without a link cannot move all at once: bytes come first, so who is told of new ones gets them. */
function expectExported(store: StoreFolder, when: 'struck' | 'done'): void {
  const read = (address: string) => readFileSync(join(exportOf(store), 'api/v1', address));
  const allowed = when === 'done' ? [two] : [one, two];
  for (const folder of ['releases/latest/app', 'releases/stable/app']) {
    const bytes = read(`${folder}/download`);
    const told = read(`${folder}/md5`).toString();
    expect(allowed).toContainEqual(bytes);
    expect(allowed.map((text) => digestAnswer('md5', text))).toContain(told);
    if (told === digestAnswer('md5', two)) expect(bytes).toEqual(two);
  }
  const index = JSON.parse(read('index.json').toString()) as ReturnType<StoreFolder['index']>;
  for (const { channels } of Object.values(index.binaries)) {
    const { artifacts } = channels['stable'] as unknown as { readonly artifacts: readonly { readonly url: string }[] };
    for (const { url } of artifacts) expect(read(url).length).toBeGreaterThan(0);
  }
  if (when === 'struck') return;
  expect(index).toEqual(store.index());
  expect(existsSync(join(exportOf(store), 'api/v1', STRAY))).toBe(false);
  expect(existsSync(join(exportOf(store), '.bin-manager-staging'))).toBe(false);
}

async function reset(store: StoreFolder, scenario: Scenario): Promise<void> {
  rmSync(store.store, { recursive: true, force: true });
  if (scenario.fresh) return;
  await restore(store);
  await scenario.prepare?.(store);
}

async function restore(store: StoreFolder): Promise<void> {
  // Bringing back a copy is much faster than publishing.
  const copy = `${store.directory}/copy`;
  if (execFileSync('sh', ['-c', `test -d "${copy}" && echo there || true`], { encoding: 'utf8' }) === '') {
    await store.publish('app', one, '--version', '1');
    await store.publish('app', two, '--version', '2');
    for (const text of ['a', 'b', 'c']) await store.publish('old', script(text), '--version', text);
    execFileSync('cp', ['-a', store.store, copy]);
  } else {
    execFileSync('cp', ['-a', copy, store.store]);
  }
}

/** Every documented answer, right after the strike: whole, and the old one or the new one. */
function expectWhole(store: StoreFolder, { whole, fresh }: Scenario, label: string): void {
  expect(whole, `${label}: latest`).toContainEqual(store.offered('app'));
  expect(whole, `${label}: stable`).toContainEqual(store.offered('app', 'stable'));
  const nothing = fresh === undefined ? [] : [undefined];
  for (const address of ['bins/app', 'releases/latest/app/release.json', 'releases/latest/app/sha256', 'index.json']) {
    const text = store.answer(address);
    if (text === undefined) expect(nothing, `${label}: ${address}`).toContain(text);
    else expect(() => JSON.parse(text) as unknown, `${label}: ${address}`).not.toThrow();
  }
  for (const [name, { channels }] of Object.entries(store.index().binaries)) {
    const artifacts = (channels['stable'] as unknown as { artifacts: { url: string }[] }).artifacts;
    for (const { url } of artifacts) expect(store.bytes(url), `${label}: ${name} ${url}`).toBeDefined();
  }
}

interface Case {
  readonly scenario: Scenario;
  readonly point: Point;
  readonly strike: Strike;
}

async function strikeOnce(store: StoreFolder, { scenario, point, strike }: Case): Promise<'struck' | 'missed'> {
  const label = `${scenario.title}: ${strike.kind === 'kill' ? 'killed' : strike.code} at ${pointText(point)}`;
  await reset(store, scenario);
  const args = scenario.args(store);
  const code = await struck(store, { args, settings: {}, point, strike });
  const isMissed = strike.kind === 'kill' && code !== 137;
  if (strike.kind === 'error' || isMissed) expect([0, 1, 74, 75, 77], `${label}: exit code`).toContain(code);
  expectWhole(store, scenario, label);
  scenario.check?.(store, 'struck');
  // A withdrawal that was committed has nothing left to do, and the same is true of the others.
  const again = await store.run(...args);
  expect([label, again.code, again.stderr.replace(/^bin-manager: (begins|waiting).*\n/gm, '')]).toEqual([label, 0, '']);
  expectWhole(store, scenario, label);
  scenario.check?.(store, 'done');
  expect(store.offered('app'), label).toEqual(scenario.converged);
  const verified = await store.run('verify');
  expect([label, verified.code, verified.stdout]).toEqual([
    label,
    0,
    expect.stringMatching(/^All bytes and all answers are as the catalog says\.\n/),
  ]);
  expect(
    store.staged().filter((name) => !name.startsWith('upload-')),
    label,
  ).toEqual([]);
  return isMissed ? 'missed' : 'struck';
}

async function sweep(scenario: Scenario, strikeAt: (index: number) => Strike): Promise<void> {
  const store = new StoreFolder();
  try {
    await reset(store, scenario);
    const points = await pointsOf(store, { args: scenario.args(store), settings: {} });
    expect(points.length).toBeGreaterThan(10);
    let missed = 0;
    const chosen = sample(points, SAMPLE);
    for (const [index, point] of chosen.entries()) {
      if ((await strikeOnce(store, { scenario, point, strike: strikeAt(index) })) === 'missed') missed += 1;
    }
    console.log(
      `${scenario.title}: struck at ${chosen.length - missed} of ${points.length} points, ${missed} not reached`,
    );
    expect(chosen.length - missed).toBeGreaterThan(missed);
  } finally {
    store.remove();
  }
}

describe.skipIf(!has('strace', 'flock'))('bin-manager, struck at a mutating system call', () => {
  for (const scenario of SCENARIOS) {
    it(
      `of ${scenario.title} by a kill: hosts see the old or the new, and a rerun ends it`,
      () => sweep(scenario, () => ({ kind: 'kill' })),
      LIMIT_MS,
    );
  }

  it(
    'of a publication by an error: hosts see the old or the new, and a rerun ends it',
    async () => {
      const [, publication] = SCENARIOS;
      if (publication === undefined) throw new Error('no scenario');
      await sweep(publication, (index) => ({ kind: 'error', code: ERRORS[index % ERRORS.length] ?? 'EIO' }));
    },
    LIMIT_MS,
  );
});
