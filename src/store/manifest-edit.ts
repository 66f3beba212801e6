import { readFile, realpath } from 'node:fs/promises';
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { type Digest, digestFromText, digestText } from '../domain/digest.ts';
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
  const own = digest.algorithm === 'md5' ? 'currentMd5' : 'currentSha256';
  const other = digest.algorithm === 'md5' ? 'currentSha256' : 'currentMd5';
  const entry = entryOf(text, name);
  if (entry === undefined) return text;
  const set = setValue(text, entry, { key: own, value: digest.hex });
  const after = entryOf(set, name);
  // What the other field says is about a file that is gone.
  const stale = after && findNodeAtLocation(after, [other]);
  return after === undefined || stale === undefined || stale.value === ''
    ? set
    : setValue(set, after, { key: other, value: '' });
}

/**
 * What the entries of a manifest that was checked already say was last proven, `algorithm:hex` by name. Hand-written
 * values are believed only as far as they are digests.
 */
export async function recordedDigests(file: string): Promise<ReadonlyMap<string, string>> {
  const tree = parseTree(await readFile(file, 'utf8'));
  const recorded = new Map<string, string>();
  for (const entry of (tree && findNodeAtLocation(tree, ['binaries']))?.children ?? []) {
    const [name, sha256, md5] = ['name', 'currentSha256', 'currentMd5'].map((key) =>
      String(findNodeAtLocation(entry, [key])?.value ?? ''),
    );
    const digest = digestFromText(`sha256:${sha256}`) ?? digestFromText(`md5:${md5}`);
    if (name !== undefined && digest !== undefined) recorded.set(name, digestText(digest));
  }
  return recorded;
}

function entryOf(text: string, name: BinaryName): Node | undefined {
  const tree = parseTree(text);
  const entries = (tree && findNodeAtLocation(tree, ['binaries']))?.children ?? [];
  return entries.find((entry) => findNodeAtLocation(entry, ['name'])?.value === name);
}

/** A field that is missing follows the last one, written the way that one is. */
function setValue(text: string, entry: Node, { key, value }: { readonly key: string; readonly value: string }): string {
  const written = JSON.stringify(value);
  const there = findNodeAtLocation(entry, [key]);
  if (there !== undefined) return text.slice(0, there.offset) + written + text.slice(there.offset + there.length);
  const last = entry.children?.at(-1);
  if (last === undefined) return text;
  const end = last.offset + last.length;
  const gap = /\s*$/.exec(text.slice(0, last.offset))?.[0] ?? '';
  const colon = /^\s*:\s*/.exec(text.slice(keyEnd(last), end))?.[0] ?? ':';
  return `${text.slice(0, end)},${gap}"${key}"${colon}${written}${text.slice(end)}`;
}

function keyEnd(property: Node): number {
  const key = property.children?.[0] ?? property;
  return key.offset + key.length;
}
