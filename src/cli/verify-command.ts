import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import { digestFromText, digestText } from '../domain/digest.ts';
import type { Installation } from '../domain/installation.ts';
import { sameRelease } from '../domain/release.ts';
import type { InstallationReader } from '../installers/installer.ts';
import { firstFiles } from '../planning/standing.ts';
import { columns, printableText } from '../platform/text.ts';
import { recordedDigests } from '../store/manifest-edit.ts';
import type { Invocation } from './command-line.ts';
import { composeDesk } from './compose-desk.ts';
import { briefRelease } from './desk-words.ts';
import type { ExitCode } from './exit-codes.ts';
import { algorithmOf, type SeenBinary, viewHost } from './host-view.ts';
import { brief } from './report-run.ts';
import type { Terminal } from './terminal.ts';
import { beginTick } from './tick.ts';

/** One file that was hashed. */
interface Verified {
  readonly name: string;
  readonly what: 'installed' | 'backup';
  readonly path: string;
  readonly result: 'same' | 'differs' | 'missing' | 'unreadable' | 'nothing-recorded';
  /** `algorithm:hex`, several for the same bytes with blanks between; absent: nothing says. */
  readonly expected?: string;
  /** Who says so. */
  readonly source?: 'record' | 'manifest' | 'file-name';
  readonly found?: string;
  /** What to do, where it is not as it should be. */
  readonly advice?: string;
}

/** `bin-proxy verify`: hashes what is installed and every backup; believes no cache, changes nothing. */
export async function verifyCommand(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const { settings, out } = tick;
  const desk = await composeDesk(settings);
  const view = await viewHost(tick, desk.kept);
  const manifest = await recordedDigests(settings.manifestFile);
  const files: Verified[] = [];
  for (const seen of view.binaries) {
    files.push(await verifyInstalled(seen, manifest.get(seen.entry.name), desk.hashing));
    for (const { path, digest } of seen.backups) {
      const found = await desk.hashing.read(path, digest.algorithm);
      const common = {
        name: seen.entry.name,
        what: 'backup',
        path,
        expected: digestText(digest),
        source: 'file-name',
      } as const;
      const judged = judge(found, common.expected);
      const advice = 'It cannot be gone back to. Remove it; the next update keeps another.';
      files.push({ ...common, ...judged, ...(judged.result !== 'same' && { advice }) });
    }
  }
  if (invocation.output === 'json') out.data(JSON.stringify(verifyDocument(files, view.warnings)));
  else reportVerified(files, view.warnings, out);
  return files.some(isWrong) ? 100 : 0;
}

async function verifyInstalled(
  { entry, record, installed }: SeenBinary,
  written: string | undefined,
  reader: InstallationReader,
): Promise<Verified> {
  const common = { name: entry.name, what: 'installed', path: entry.path } as const;
  const proven = record?.active === undefined ? undefined : firstFiles(record.active.release);
  const expected = proven ?? written;
  const known = installed.kind === 'present' ? installed.digest.algorithm : algorithmOf(record);
  const algorithm = proven === undefined && written?.startsWith('sha256:') === true ? 'sha256' : known;
  const judged = judge(await reader.read(entry.path, algorithm), expected);
  if (expected === undefined) return { ...common, ...judged };
  const advice =
    entry.hold === undefined
      ? `Whose change is it? What the next run does about it: bin-proxy explain ${entry.name}`
      : 'It is held: bin-proxy leaves it as it is.';
  const source = proven === undefined ? 'manifest' : 'record';
  return { ...common, ...judged, expected, source, ...(judged.result !== 'same' && { advice }) };
}

function judge(found: Installation, expected: string | undefined): Pick<Verified, 'result' | 'found'> {
  switch (found.kind) {
    case 'absent':
      return { result: expected === undefined ? 'nothing-recorded' : 'missing' };
    case 'foreign':
      return { result: 'unreadable', found: found.what };
    case 'unreadable':
      return { result: 'unreadable', found: found.why };
    case 'present': {
      const digest = digestText(found.digest);
      if (expected === undefined) return { result: 'nothing-recorded', found: digest };
      return { result: sameRelease(expected, digest) ? 'same' : 'differs', found: digest };
    }
  }
}

function isWrong({ result }: Verified): boolean {
  return result !== 'same' && result !== 'nothing-recorded';
}

const WORDS: Readonly<Record<Verified['result'], string>> = {
  same: 'ok',
  differs: 'DIFFERS',
  missing: 'MISSING',
  unreadable: 'UNREADABLE',
  'nothing-recorded': 'nothing recorded',
};

function reportVerified(files: readonly Verified[], warnings: readonly string[], out: Terminal): void {
  for (const warning of warnings) out.line(out.paint('yellow', `warning: ${warning}`));
  const rows = files.map((file) => [
    file.name,
    WORDS[file.result],
    isWrong(file) ? '' : brief(file.found),
    whatOf(file),
  ]);
  for (const [index, cells] of columns(rows).entries()) {
    const file = files[index];
    if (file === undefined) continue;
    const text = cells.join('  ');
    out.line(isWrong(file) ? out.paint('red', text) : printableText(text));
    if (!isWrong(file)) continue;
    const { expected, source = '', found = 'no file' } = file;
    if (file.what === 'backup') out.line(`  ${printableText(file.path)}`);
    const who = { record: 'the record', manifest: 'the manifest', 'file-name': 'its name', '': '' }[source];
    if (expected !== undefined)
      out.line(
        `  expected ${briefRelease(comparable(expected, found))} (${who}), found ${printableText(brief(found))}`,
      );
    else out.line(`  expected a regular file, found ${printableText(found)}`);
    if (file.advice !== undefined) out.line(`  ${file.advice}`);
  }
  const wrong = files.filter(isWrong).length;
  out.line(
    `${files.length === 1 ? '1 file' : `${files.length} files`}, ${wrong === 0 ? 'none differs from what is recorded' : `${wrong} not as recorded`}.`,
  );
}

/** Of the names of the same bytes the one in the algorithm of what was found, where there is one. */
function comparable(expected: string, found: string): string {
  const algorithm = digestFromText(found)?.algorithm;
  return expected.split(' ').find((id) => digestFromText(id)?.algorithm === algorithm) ?? expected;
}

/** A kept file by what it is: its name is a digest long. */
function whatOf({ what, path }: Verified): string {
  return what === 'installed' ? path : basename(dirname(dirname(path))) === 'factory' ? 'factory' : 'backup';
}

/** The document of `bin-proxy verify --json`. */
function verifyDocument(files: readonly Verified[], warnings: readonly string[]) {
  return {
    schema: 'bin-proxy/verify/1',
    host: hostname(),
    at: new Date().toISOString(),
    warnings,
    files,
    wrong: files.filter(isWrong).length,
  };
}
