import { readFile, realpath } from 'node:fs/promises';
import { applyEdits, findNodeAtLocation, type JSONPath, modify, parseTree } from 'jsonc-parser';
import { type Digest, digestFromText } from '../domain/digest.ts';
import type { BinaryName } from '../domain/names.ts';
import { writeDurably } from '../platform/files.ts';

/** Writes what was proven into the manifest, and nothing else: formatting and unknown keys stay as they are. */
export async function recordInManifest(file: string, name: BinaryName, proven: string): Promise<void> {
  const digest = digestFromText(proven);
  // A release of several files has no single digest; its record holds the whole.
  if (digest === undefined) return;
  const real = await realpath(file);
  // Read anew: an operator may have edited it while the update ran.
  const before = await readFile(real, 'utf8');
  const after = withDigest(before, name, digest);
  if (after !== before) await writeDurably(real, after);
}

/** Pure: the text with the entry's `currentMd5` (or `currentSha256`) set. An entry that is gone changes nothing. */
export function withDigest(text: string, name: BinaryName, digest: Digest): string {
  const index = entryIndex(text, name);
  if (index === undefined) return text;
  const own = digest.algorithm === 'md5' ? 'currentMd5' : 'currentSha256';
  const other = digest.algorithm === 'md5' ? 'currentSha256' : 'currentMd5';
  const set = setValue(text, ['binaries', index, own], digest.hex);
  const tree = parseTree(set);
  // What the other field says is about a file that is gone.
  const stale = tree && findNodeAtLocation(tree, ['binaries', index, other]);
  return stale === undefined || stale.value === '' ? set : setValue(set, ['binaries', index, other], '');
}

function entryIndex(text: string, name: BinaryName): number | undefined {
  const tree = parseTree(text);
  const entries = (tree && findNodeAtLocation(tree, ['binaries']))?.children ?? [];
  const index = entries.findIndex((entry) => findNodeAtLocation(entry, ['name'])?.value === name);
  return index === -1 ? undefined : index;
}

function setValue(text: string, path: JSONPath, value: string): string {
  return applyEdits(text, modify(text, path, value, { formattingOptions: formattingOf(text) }));
}

/** A new field is written the way the file is. */
function formattingOf(text: string) {
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
  return { insertSpaces: !indent.startsWith('\t'), tabSize: indent.startsWith('\t') ? 1 : indent.length, eol: text.includes('\r\n') ? '\r\n' : '\n' };
}
