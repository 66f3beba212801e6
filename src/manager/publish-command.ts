import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorText, systemCode } from '../domain/errors.ts';
import type { BinaryName } from '../domain/names.ts';
import { STABLE } from './catalog.ts';
import type { Invocation } from './command-line.ts';
import { STDIN } from './commands.ts';
import type { DeltaBase } from './deltas.ts';
import { refused } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { offeredNow } from './offered-now.ts';
import { type Published, publish } from './publish.ts';
import { ReleaseStore } from './store.ts';
import { answer, conditionsOf, note, sizeText } from './wording.ts';

const READ_BYTES = 1 << 20;
/** Whoever has less patience says --deltas 0. */
const DELTAS_MS = 180_000;

/** `bin-manager publish NAME FILE`. */
export async function publishCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const { version, platform, channel = STABLE, switches } = invocation;
  const name = invocation.name as BinaryName;
  const store = new ReleaseStore(invocation.store);
  const isNew = !existsSync(store.places.catalogs);
  const bytes = await openInput(invocation.path ?? STDIN, signal);
  if (isNew) note(`begins a new release store at ${store.places.store}`);
  const publication = {
    name,
    channel,
    conflict: switches.has('force') ? ('replace' as const) : ('refuse' as const),
    bytes,
    deltas: { count: invocation.deltas, totalMs: DELTAS_MS },
    ...(version !== undefined && { version }),
    ...(platform !== undefined && { platform }),
  };
  const conditions = { ...conditionsOf(invocation, signal), onDeltas };
  const published = await publish(store, publication, conditions);
  for (const warning of published.warnings) note(`warning: ${warning}`);
  const answers = await offeredNow(store, name, channel);
  const offered = Object.entries(answers).map(([path, text]) => `  ${path}  ${text}`);
  answer(invocation, [...story(published), '', 'Hosts now get', ...offered], { ...published, answers });
  return 0;
}

/** Whoever waits is told for what, and how to do without. */
function onDeltas(from: readonly DeltaBase[], totalMs: number): void {
  const versions = from.map(({ version }) => version).join(', ');
  note(`makes deltas from ${versions}, for ${totalMs / 60_000} minutes at most (--deltas 0: none)`);
}

/** Opened before anything else is done: most mistakes are made in the name of the file. */
async function openInput(file: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  if (file === STDIN) {
    // Whoever reads it is told; before that there is nobody.
    process.stdin.on('error', () => {});
    signal.addEventListener('abort', () => process.stdin.destroy(signal.reason as Error));
    return process.stdin;
  }
  try {
    const handle = await open(file, 'r');
    const stats = await handle.stat();
    if (!stats.isDirectory()) return handle.createReadStream({ highWaterMark: READ_BYTES, signal });
    await handle.close();
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? `there is no file at ${file}` : `cannot read ${errorText(error)}`;
    throw refused(why, 'Nothing was published.');
  }
  throw refused(`expected a file, found a directory at ${file}`, 'Name the program in it.');
}

function story(published: Published): readonly string[] {
  const { what, name, version, artifact, channel, former, deltas } = published;
  const did = { published: 'published', 'already-published': 'was published already', replaced: 'replaced' }[what];
  const moved = former === undefined ? `${channel} points at it` : `${channel}: ${former} -> ${version}`;
  return [
    `${name} ${version} for ${artifact.platform} ${did}: ${sizeText(artifact.size)}, sha256:${artifact.sha256}`,
    moved,
    ...deltas.map(({ from, size }) => {
      const percent = (size / artifact.size) * 100;
      const share = percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(1)} %`;
      return `hosts that have ${from} fetch a delta: ${sizeText(size)}, ${share} of the file`;
    }),
  ];
}
