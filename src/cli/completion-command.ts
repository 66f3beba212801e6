import { readManifest } from '../store/manifest-file.ts';
import { parseManifest } from '../store/manifest-parse.ts';
import type { Invocation } from './command-line.ts';
import { completionFor, type Shell } from './completion.ts';
import type { ExitCode } from './exit-codes.ts';
import { loadSettings } from './settings.ts';

/** `bin-proxy completion bash|zsh|fish`; `completion names` is what these ask for in turn. */
export async function completionCommand({ names: [what], settings: flags }: Invocation): Promise<ExitCode> {
  process.stdout.write(what === 'names' ? await binaries(flags) : completionFor(what as Shell));
  return 0;
}

/** Somebody presses a key: trouble is no answer to that. */
async function binaries(flags: Invocation['settings']): Promise<string> {
  try {
    const { settings } = await loadSettings({ flags, environment: process.env });
    const place = { file: settings.manifestFile, binDir: settings.binDir };
    const { entries } = parseManifest(await readManifest(place.file), place);
    return entries.map(({ name }) => `${name}\n`).join('');
  } catch {
    return '';
  }
}
