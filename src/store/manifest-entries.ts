import { realpath } from 'node:fs/promises';
import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser';
import { orUndefined, readText, writeDurably } from '../platform/files.ts';
import { isObject } from './json-file.ts';

/** What a person wrote, or asks for, under each field of an entry. */
export type WrittenFields = Readonly<Record<string, unknown>>;

const NEW = '{\n  "binaries": []\n}\n';
/** As every file that an operator writes: the manifest holds no secret. */
const MODE = 0o644;

/**
 * Changes the text of the manifest durably, as a tick does; one that is not there begins as one without binaries. Only
 * under the lock (invariant 11). `edit` throws where the text must stay as it is.
 */
export async function editManifest(file: string, edit: (text: string) => string): Promise<'written' | 'same'> {
  const real = (await orUndefined(realpath(file))) ?? file;
  const found = await readText(real);
  const before = found ?? NEW;
  const bom = before.startsWith('\uFEFF') ? '\uFEFF' : '';
  const after = bom + edit(before.slice(bom.length));
  if (after === found) return 'same';
  await writeDurably(real, after, MODE);
  return 'written';
}

/** The fields of an entry as they are written, with the line it begins in; undefined where there is none of this name. */
export function writtenEntry(
  text: string,
  name: string,
): { readonly fields: WrittenFields; readonly line: number } | undefined {
  const entry = entriesOf(text).children.find((one) => nameOf(one) === name);
  const fields: unknown = entry && getNodeValue(entry);
  if (entry === undefined || !isObject(fields)) return undefined;
  return { fields, line: text.slice(0, entry.offset).split('\n').length };
}

/** Pure: the text with one more entry behind the last one, written the way that one is. */
export function withEntry(text: string, fields: WrittenFields): string {
  const { list, children } = entriesOf(text);
  const last = children.at(-1);
  if (last !== undefined) {
    const end = last.offset + last.length;
    const gap = /\s*$/.exec(text.slice(0, last.offset))?.[0] ?? '';
    return `${text.slice(0, end)},${gap}${writtenAs(text.slice(last.offset, end), fields)}${text.slice(end)}`;
  }
  const line = text.slice(0, list.offset).split('\n').at(-1) ?? '';
  const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
  const eol = /\r?\n/.exec(text)?.[0];
  const only = oneLine(fields, ' ');
  const inside = eol === undefined ? only : `${eol}${indent}${indent}${only}${eol}${indent}`;
  return `${text.slice(0, list.offset)}[${inside}]${text.slice(list.offset + list.length)}`;
}

/** Pure: the text without the entry of this name; all others stay as they are written. */
export function withoutEntry(text: string, name: string): string {
  const { list, children } = entriesOf(text);
  const index = children.findIndex((one) => nameOf(one) === name);
  const [before, entry, after] = [children[index - 1], children[index], children[index + 1]];
  if (entry === undefined) return text;
  const end = entry.offset + entry.length;
  const [from, to] =
    after !== undefined
      ? [entry.offset, after.offset]
      : before !== undefined
        ? [before.offset + before.length, end]
        : [list.offset + 1, list.offset + list.length - 1];
  return text.slice(0, from) + text.slice(to);
}

interface Entries {
  readonly list: Node;
  readonly children: readonly Node[];
}

/** Of a manifest that has passed its check. */
function entriesOf(text: string): Entries {
  const tree = parseTree(text);
  const list = tree && findNodeAtLocation(tree, ['binaries']);
  if (list === undefined) throw new TypeError('expected a manifest that was checked, found one without "binaries"');
  return { list, children: list.children ?? [] };
}

function nameOf(entry: Node): unknown {
  return findNodeAtLocation(entry, ['name'])?.value;
}

/** The way a neighbour is written: on one line or on several, with its indentation and its blanks. */
function writtenAs(neighbour: string, fields: WrittenFields): string {
  const inner = /^\{(\s*)"/.exec(neighbour)?.[1] ?? ' ';
  if (!inner.includes('\n')) return oneLine(fields, inner);
  const outer = /(\s*)\}$/.exec(neighbour)?.[1] ?? '\n';
  const lines = Object.entries(fields).map(([key, value]) => `${inner}${JSON.stringify(key)}: ${spaced(value)}`);
  return `{${lines.join(',')}${outer}}`;
}

function oneLine(fields: WrittenFields, blank: string): string {
  const parts = Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}: ${spaced(value)}`);
  return `{${blank}${parts.join(', ')}${blank}}`;
}

/** JSON on one line, with a blank behind each comma and colon, as a person writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${spaced(one)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
