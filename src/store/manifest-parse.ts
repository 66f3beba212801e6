import { findNodeAtLocation, getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { $ZodIssue } from 'zod/v4/core';
import { RunError } from '../domain/errors.ts';
import type { Manifest, ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName, ServiceName, VersionName } from '../domain/names.ts';
import { KNOWN_ENTRY_KEYS, KNOWN_KEYS, manifestSchema, type WrittenEntry, type WrittenManifest } from './manifest-schema.ts';

const HINT = 'The fields are described in manifests/bin-manifests.schema.json; nothing was changed.';

export interface ManifestPlace {
  readonly file: string;
  readonly binDir: string;
}

/** Text to manifest, with every problem at once; throws {@link RunError} `manifest-invalid`. */
export function parseManifest(text: string, place: ManifestPlace): Manifest {
  const source = new PlacedText(text.replace(/^\uFEFF/, ''), place.file);
  const tree = source.parse();
  const result = manifestSchema.safeParse(getNodeValue(tree));
  const problems = result.success ? [] : result.error.issues.map((issue) => source.issue(tree, issue));
  problems.push(...source.duplicateKeys(tree));
  if (result.success) problems.push(...duplicates(result.data, place, (path) => source.at(findNodeAtLocation(tree, path))));
  if (!result.success || problems.length > 0) throw source.invalid(problems);
  return {
    file: place.file,
    entries: result.data.binaries.map((entry) => normalise(entry, place.binDir)),
    warnings: source.unknownKeys(tree),
  };
}

function normalise(written: WrittenEntry, binDir: string): ManifestEntry {
  const service = written.service ?? written.name;
  const services = service === false ? [] : Array.isArray(service) ? service : [service];
  const hold = written.hold === true ? 'held in the manifest' : written.hold || undefined;
  const [program, ...rest] = written.check ?? [];
  return {
    // The schema has checked these with the patterns the brands stand for.
    name: written.name as BinaryName,
    version: written.version as VersionName,
    path: written.path ?? `${binDir.replace(/\/+$/, '')}/${written.name}`,
    services: [...new Set(services)] as ServiceName[],
    keep: written.keep,
    ...(written.mode !== undefined && { mode: Number.parseInt(written.mode, 8) }),
    ...(written.owner !== undefined && { owner: written.owner }),
    ...(hold !== undefined && { hold }),
    ...(program !== undefined && { check: [program, ...rest] as const }),
  };
}

/** Two entries for one name or one path would undo each other's work for ever. */
function duplicates(
  manifest: WrittenManifest,
  { binDir }: ManifestPlace,
  at: (path: (string | number)[]) => string,
): readonly string[] {
  const seen = new Map<string, number>();
  return manifest.binaries.flatMap((written, index) => {
    const { name, path } = normalise(written, binDir);
    return [`name "${name}"`, `path "${path}"`].flatMap((what) => {
      const first = seen.get(what);
      if (first === undefined) {
        seen.set(what, index);
        return [];
      }
      return [`${at(['binaries', index])}  binaries[${index}]: has the ${what} of binaries[${first}] once more`];
    });
  });
}

/** JSON text whose parts know their line and column. */
class PlacedText {
  readonly #text: string;
  readonly #file: string;
  readonly #lineStarts: readonly number[];

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), (match) => match.index + 1)];
  }

  parse(): Node {
    if (this.#text.trim() === '') throw this.invalid(['1:1  the file is empty, expected {"binaries": [...]}']);
    const errors: ParseError[] = [];
    const options = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };
    const tree = parseTree(this.#text, errors, options);
    if (tree === undefined || errors.length > 0) throw this.invalid(errors.map((error) => this.#syntax(error)));
    return tree;
  }

  issue(tree: Node, issue: $ZodIssue): string {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    const node = findNodeAtLocation(tree, path) ?? nearest(tree, path);
    const found = findNodeAtLocation(tree, path) === undefined ? 'is missing' : `is ${brief(node)}`;
    return `${this.at(node)}  ${dotted(path)}: ${issue.message} (${found})`;
  }

  duplicateKeys(node: Node): readonly string[] {
    const inside = (node.children ?? []).flatMap((child) => this.duplicateKeys(child));
    if (node.type !== 'object') return inside;
    const keys = (node.children ?? []).map((property) => property.children?.[0]);
    const again = keys.filter((key, index) => keys.findIndex((other) => other?.value === key?.value) !== index);
    return [...inside, ...again.map((key) => `${this.at(key)}  the key ${brief(key)} stands here for the second time`)];
  }

  unknownKeys(tree: Node): readonly string[] {
    const entries = findNodeAtLocation(tree, ['binaries'])?.children ?? [];
    return [
      ...this.#strangers(tree, KNOWN_KEYS, ''),
      ...entries.flatMap((entry, index) => this.#strangers(entry, KNOWN_ENTRY_KEYS, `binaries[${index}].`)),
    ];
  }

  at(node: Node | undefined): string {
    const offset = node?.offset ?? 0;
    const line = this.#lineStarts.findLastIndex((start) => start <= offset);
    return `${line + 1}:${offset - (this.#lineStarts[line] ?? 0) + 1}`;
  }

  invalid(problems: readonly string[]): RunError {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map((problem) => `  ${this.#file}:${problem}`);
    return new RunError('manifest-invalid', [`${this.#file} has ${count}`, ...lines].join('\n'), { hint: HINT });
  }

  #strangers(object: Node, known: ReadonlySet<string>, where: string): readonly string[] {
    return (object.children ?? []).flatMap((property) => {
      const key = property.children?.[0];
      if (typeof key?.value !== 'string' || known.has(key.value)) return [];
      return [`${this.#file}:${this.at(key)}  ${where}${key.value}: unknown key, kept as it is`];
    });
  }

  #syntax(error: ParseError): string {
    const words = printParseErrorCode(error.error).replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
    const found = this.#text.slice(error.offset, error.offset + 20).split('\n', 1)[0] ?? '';
    const place = { offset: error.offset, length: 0, type: 'null' } as const;
    return `${this.at(place)}  not valid JSON: ${words}${found === '' ? '' : `, found ${JSON.stringify(found)}`}`;
  }
}

function nearest(tree: Node, path: (string | number)[]): Node {
  for (let length = path.length - 1; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return tree;
}

function dotted(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the manifest';
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('').replace(/^\./, '');
}

function brief(node: Node | undefined): string {
  const text = JSON.stringify(node === undefined ? null : getNodeValue(node));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
