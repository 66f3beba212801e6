import fc from 'fast-check';
import { type Kind, type Model, SETTINGS, type World } from './model.ts';
import { tickAndJudge } from './model-tick.ts';
import { type Point, pointText, struck } from './strace.ts';

type Command = fc.AsyncCommand<Model, World>;

/** A command in words, its condition, and what it does to both worlds; what must always hold is checked after each. */
function command(
  words: string,
  does: (model: Model, world: World) => Promise<void> | void,
  mayRun: (model: Model) => boolean = () => true,
): Command {
  return {
    check: (model) => mayRun(model),
    run: async (model, world) => {
      world.story.push(words);
      await does(model, world);
      world.mustHold(model);
    },
    toString: () => words,
  };
}

const isSettled = (model: Model) => model.unsettled === 0;
/** More would exhaust the tries to finish; then the release is undone, and may be started again. */
const MOST_KILLS = 3;

const publish = (kind: Kind) =>
  command(`publish a release: ${kind}`, (model, world) => {
    model.offer = world.make(kind);
    world.offer(model.offer);
  });

const offerAgain = (back: number) =>
  command(
    `offer again what was published ${back} releases before`,
    (model, world) => {
      model.offer = world.releases.at(-1 - back) ?? model.offer;
      world.offer(model.offer);
    },
    (model) => model.offer !== undefined,
  );

const withdraw = command('withdraw the release', (model, world) => {
  model.offer = undefined;
  world.offer(undefined);
});

const tick = command('tick', tickAndJudge);

const killedTick = (point: Point) =>
  command(
    `tick, killed before ${pointText(point)}`,
    async (model, world) => {
      if (model.hold === 'off' && model.server === 'up' && model.offer !== undefined) {
        if (model.offer.kind !== 'impostor') model.possible.add(model.offer.md5);
        if (model.former === 'unsure') model.allowance.set(model.offer.version, Number.POSITIVE_INFINITY);
      }
      const code = await struck(world.host, { args: ['run'], settings: SETTINGS, point, strike: { kind: 'kill' } });
      world.story.push(`  -> exit ${code}`);
      if (model.offer !== undefined) model.tried.add(model.offer.version);
      model.unsettled += 1;
    },
    (model) => model.unsettled < MOST_KILLS,
  );

const stop = command(
  'the operator stops the service',
  async (model, world) => {
    await world.stopService();
    model.service = 'stopped';
  },
  (model) => isSettled(model) && model.service === 'wanted' && model.former === 'healthy',
);

const start = command(
  'the operator starts the service',
  async (model, world) => {
    model.service = 'wanted';
    await world.host.supervisor.ctl('start', 'app');
  },
  (model) => isSettled(model) && model.service === 'stopped',
);

const overwrite = command(
  'the operator overwrites the file by hand',
  (model, world) => {
    const own = world.make('good');
    world.overwrite(own.bytes);
    model.possible = new Set([own.md5]);
  },
  isSettled,
);

const hold = (on: 'on' | 'off') =>
  command(
    `the operator sets hold ${on}`,
    (model, world) => {
      model.hold = on;
      world.hold(on);
    },
    (model) => model.hold !== on,
  );

const serverDown = command(
  'the server goes down',
  async (model, world) => {
    model.server = 'down';
    await world.host.server.stop();
  },
  ({ server }) => server === 'up',
);

const serverUp = command(
  'the server comes up',
  async (model, world) => {
    model.server = 'up';
    await world.serverUp();
  },
  ({ server }) => server === 'down',
);

const damage = (file: string) =>
  command(`${file} is damaged`, (model, world) => {
    if (world.damage(file) === 'absent') return;
    model.unsettled += 1;
    if (file === 'cache.json') return;
    // What it said is forgotten: what failed may be tried once more, and what lies there is believed.
    for (const version of model.quarantined) model.tried.add(version);
    model.quarantined.clear();
    model.everyAllowance += 1;
  });

const CALLS = ['rename', 'link', 'unlink', 'fsync', 'mkdir', 'pwrite64', 'fchmod', 'chmod', 'utimensat'] as const;

export const commands: readonly fc.Arbitrary<Command>[] = [
  fc.constantFrom<Kind>('good', 'good', 'dies', 'impostor').map(publish),
  fc.constantFrom<Kind>('good', 'dies').map(publish),
  fc.integer({ min: 1, max: 3 }).map(offerAgain),
  ...[tick, tick, tick].map((one) => fc.constant(one)),
  ...Array.from({ length: 3 }, () =>
    fc.record({ call: fc.constantFrom(...CALLS), nth: fc.integer({ min: 1, max: 12 }) }).map(killedTick),
  ),
  fc.constantFrom(stop, start),
  fc.constantFrom(start, overwrite),
  fc.constantFrom(hold('on'), hold('off'), hold('off')),
  fc.constantFrom(serverDown, serverUp, serverUp, withdraw),
  fc.constantFrom('journal.json', 'binaries/app.json', 'cache.json').map(damage),
];

/** Every hindrance goes, and what is offered then must be reached. */
export async function settle(model: Model, world: World): Promise<void> {
  world.story.push('everything is put right');
  if (model.server === 'down') await world.serverUp();
  if (model.hold === 'on') world.hold('off');
  Object.assign(model, { server: 'up', hold: 'off' } satisfies Partial<Model>);
  model.everyAllowance += 1;
  if (model.offer?.kind === 'good') await mustReach(model, world, ['--force']);
  model.offer = world.make('good');
  world.offer(model.offer);
  await mustReach(model, world, []);
  model.possible = new Set([model.offer.md5]);
  world.mustHold(model);
}

async function mustReach({ service }: Model, world: World, args: readonly string[]): Promise<void> {
  const { host } = world;
  const ran = await world.tick(args);
  const { binaries } = JSON.parse((await host.run(['plan', '--json'], SETTINGS)).stdout) as {
    binaries: readonly { readonly action: string }[];
  };
  const running = service === 'stopped' ? await world.isStopped() : await host.runsInstalled('app');
  const found = { code: ran.code, actions: binaries.map(({ action }) => action), running, left: host.leftovers() };
  const wanted = { code: 0, actions: ['up-to-date'], running: true, left: [] };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}\n${ran.stdout}\n${ran.stderr}`);
  }
}
