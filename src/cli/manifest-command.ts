import { resolve } from 'node:path';
import { RunError } from '../domain/errors.ts';
import type { Settings } from '../domain/settings.ts';
import { placeTrouble } from '../platform/file-trouble.ts';
import { printableText } from '../platform/text.ts';
import { editManifest } from '../store/manifest-entries.ts';
import { readManifest } from '../store/manifest-file.ts';
import { InvalidManifest } from '../store/manifest-invalid.ts';
import { parseManifest } from '../store/manifest-parse.ts';
import { manifestJsonSchema } from '../store/manifest-schema.ts';
import type { Invocation } from './command-line.ts';
import { waitForLock } from './desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { addTo, type ManifestChange, removeFrom } from './manifest-changes.ts';
import { loadSettings } from './settings.ts';
import { type Terminal, terminal } from './terminal.ts';
import { mustBeTrusted } from './tick.ts';

interface Desk {
  readonly invocation: Invocation;
  readonly settings: Settings;
  readonly words: readonly string[];
  readonly out: Terminal;
}

/** `bin-proxy manifest check|add|remove|schema`. */
export async function manifestCommand(invocation: Invocation): Promise<ExitCode> {
  const [action, ...words] = invocation.names;
  const out = terminal(invocation.color);
  if (action === 'schema') {
    out.data(JSON.stringify(manifestJsonSchema(), null, 2));
    return 0;
  }
  const { settings } = await loadSettings({ flags: invocation.settings, environment: process.env });
  const desk = { invocation, settings, words, out };
  if (action === 'check') return check(desk);
  return action === 'add' ? change(desk, addTo(words, invocation)) : change(desk, removeFrom(words));
}

/** Reads a manifest as a run would, and ends as it would. Throws `RunError` `manifest-invalid` or `no-permission`. */
async function check({ invocation, settings, words, out }: Desk): Promise<ExitCode> {
  if (words.length > 1) throw new RunError('usage', `expected one file to check, found ${words.join(', ')}`);
  const file = words[0] === undefined ? settings.manifestFile : resolve(words[0]);
  const document = { schema: 'bin-proxy/manifest-check/1', file };
  try {
    const { entries, warnings } = parseManifest(await readManifest(file), { file, binDir: settings.binDir });
    const binaries = entries.map(({ name }) => name);
    if (invocation.output === 'json') {
      out.data(JSON.stringify({ ...document, valid: true, binaries, warnings, problems: [] }));
      return 0;
    }
    for (const warning of warnings) out.line(out.paint('yellow', `warning: ${warning}`));
    const count = binaries.length === 1 ? '1 binary' : `${binaries.length} binaries`;
    out.line(printableText(`${file}: valid, ${count}${binaries.length === 0 ? '' : `: ${binaries.join(', ')}`}`));
    return 0;
  } catch (error) {
    if (!(error instanceof InvalidManifest) || invocation.output === 'text') throw error;
    out.data(JSON.stringify({ ...document, valid: false, binaries: [], warnings: [], problems: error.problems }));
    return 78;
  }
}

/** Changes the manifest under the lock and durably, as a tick does; what would not pass the check is refused. */
async function change({ invocation, settings, out }: Desk, asked: ManifestChange): Promise<ExitCode> {
  const { manifestFile: file, binDir, lockFile } = settings;
  await mustBeTrusted([file]);
  const lock = await waitForLock(lockFile);
  try {
    const written = await editManifest(file, (text) => {
      parseManifest(text, { file, binDir });
      const after = asked.edit(text, file);
      mustPass(after, { file, binDir });
      return after;
    });
    const result = written === 'written' ? asked.done : 'unchanged';
    if (invocation.output === 'json')
      out.data(JSON.stringify({ schema: 'bin-proxy/manifest-change/1', file, result, names: asked.names }));
    else for (const line of asked.story(result, file)) out.line(printableText(line));
    return 0;
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw placeTrouble(error, 'cannot write the manifest', 'BIN_MANIFESTS');
  } finally {
    await lock.release();
  }
}

/** The places of its problems are those of a file that nobody has seen, and are left out. */
function mustPass(text: string, place: { readonly file: string; readonly binDir: string }): void {
  try {
    parseManifest(text, place);
  } catch (error) {
    if (!(error instanceof InvalidManifest)) throw error;
    const lines = error.problems.map((problem) => `  ${problem.text}`);
    throw new RunError('manifest-invalid', ['the entry would not pass the check', ...lines].join('\n'), {
      cause: error,
      hint: `${place.file} was not changed. The fields: bin-proxy manifest schema`,
    });
  }
}
