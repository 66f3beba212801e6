import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { $ZodIssue } from 'zod/v4/core';
import type { Manifest } from '../domain/manifest.ts';
import { dependencyProblems, type Problem } from './manifest-dependencies.ts';
import { defaultPath, normalise } from './manifest-entry.ts';
import { InvalidManifest } from './manifest-invalid.ts';
import { KNOWN_ENTRY_KEYS, KNOWN_KEYS, manifestSchema } from './manifest-schema.ts';

/** No manifest needs more. */
const MAX_DEPTH = 50;

export interface ManifestPlace {
  readonly file: string;
  readonly binDir: string;
}

/** Text to manifest, with every problem at once; throws {@link InvalidManifest}. */
export function parseManifest(text: string, place: ManifestPlace): Manifest {
  const source = new PlacedText(text.replace(/^\uFEFF/, ''), place.file);
  const tree = source.parse();
  const result = manifestSchema.safeParse(getNodeValue(tree));
  const problems = [
    ...(result.success ? [] : source.issues(tree, result.error.issues)),
    ...source.duplicateKeys(tree),
    ...duplicates(tree, place),
    ...dependencyProblems(entriesOf(tree)),
  ];
  if (!result.success || problems.length > 0) throw source.invalid(problems);
  return {
    file: place.file,
    entries: result.data.binaries.map((entry) => normalise({ window: result.data.window, ...entry }, place.binDir)),
    warnings: source.unknownKeys(tree),
  };
}

/** Two entries for one name or one path would undo each other's work for ever. */
function duplicates(tree: Node, { binDir }: ManifestPlace): readonly Problem[] {
  const names = new Map<string, number>();
  const paths = new Map<string, number>();
  const again = (seen: Map<string, number>, value: string, index: number) => {
    const first = seen.get(value);
    if (first === undefined) seen.set(value, index);
    return first;
  };
  return entriesOf(tree).flatMap((entry, index) => {
    const [name, path] = ['name', 'path'].map((key) => findNodeAtLocation(entry, [key]));
    if (typeof name?.value !== 'string') return [];
    const where = typeof path?.value === 'string' ? path.value : defaultPath(binDir, name.value);
    const [sameName, samePath] = [again(names, name.value, index), again(paths, where, index)];
    if (sameName !== undefined)
      return [duplicate(name, `binaries[${index}].name`, `the name of binaries[${sameName}]`)];
    if (samePath === undefined) return [];
    return [duplicate(path ?? entry, `binaries[${index}].path`, `the path of binaries[${samePath}], "${where}"`)];
  });
}

function duplicate({ offset }: Node, what: string, found: string): Problem {
  return { offset, text: `${what}: must be its own (is ${found})` };
}

function entriesOf(tree: Node): readonly Node[] {
  return findNodeAtLocation(tree, ['binaries'])?.children ?? [];
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
    if (this.#text.trim() === '')
      throw this.invalid([{ offset: 0, text: 'the file is empty, expected {"binaries": [...]}' }]);
    const deep = this.#tooDeep();
    if (deep !== undefined) throw this.invalid([{ offset: deep, text: `nested deeper than ${MAX_DEPTH} levels` }]);
    const errors: ParseError[] = [];
    const options = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };
    const tree = parseTree(this.#text, errors, options);
    if (tree === undefined || errors.length > 0) throw this.invalid(this.#syntax(errors));
    return tree;
  }

  /** One problem a value: the second is most often only another way to say the first. */
  issues(tree: Node, issues: readonly $ZodIssue[]): readonly Problem[] {
    const first = new Map(issues.toReversed().map((issue) => [JSON.stringify(issue.path), issue]));
    return [...first.values()].map((issue) => {
      const path = issue.path.filter((part) => typeof part !== 'symbol');
      const node = findNodeAtLocation(tree, path);
      const found = node === undefined ? 'is missing' : `is ${this.#brief(node)}`;
      return { offset: (node ?? nearest(tree, path)).offset, text: `${dotted(path)}: ${issue.message} (${found})` };
    });
  }

  duplicateKeys(node: Node): readonly Problem[] {
    const inside = (node.children ?? []).flatMap((child) => this.duplicateKeys(child));
    if (node.type !== 'object') return inside;
    const keys = (node.children ?? []).flatMap((property) => property.children?.[0] ?? []);
    const again = keys.filter((key, index) => keys.findIndex((other) => other.value === key.value) !== index);
    return [
      ...inside,
      ...again.map((key) => ({
        offset: key.offset,
        text: `the key ${this.#brief(key)} stands here for the second time`,
      })),
    ];
  }

  unknownKeys(tree: Node): readonly string[] {
    return [
      ...this.#strangers(tree, KNOWN_KEYS, ''),
      ...entriesOf(tree).flatMap((entry, index) => this.#strangers(entry, KNOWN_ENTRY_KEYS, `binaries[${index}].`)),
    ];
  }

  /** In the order of the file. */
  invalid(problems: readonly Problem[]): InvalidManifest {
    const sorted = problems.toSorted((a, b) => a.offset - b.offset);
    const placed = sorted.map(({ offset, text }) => ({ ...this.#place(offset), text }));
    return new InvalidManifest(this.#file, placed);
  }

  #at(offset: number): string {
    const { line, column } = this.#place(offset);
    return `${this.#file}:${line}:${column}`;
  }

  #place(offset: number): { readonly line: number; readonly column: number } {
    const line = this.#lineStarts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (this.#lineStarts[line] ?? 0) + 1 };
  }

  /** As it is written, on one line. */
  #brief({ offset, length }: Node): string {
    const text = this.#text.slice(offset, offset + length).replaceAll(/\s+/g, ' ');
    return text.length > 60 ? `${text.slice(0, 57)}...` : text;
  }

  #strangers(object: Node, known: ReadonlySet<string>, where: string): readonly string[] {
    return (object.children ?? []).flatMap((property) => {
      const key = property.children?.[0];
      if (typeof key?.value !== 'string' || known.has(key.value)) return [];
      return [`${this.#at(key.offset)}  ${where}${key.value}: unknown key, kept as it is`];
    });
  }

  /** One problem a line, and no more than one where nothing is JSON: the others follow from the first. */
  #syntax(errors: readonly ParseError[]): readonly Problem[] {
    const begin = this.#text.search(/\S/);
    const byLine = new Map(errors.toReversed().map((error) => [this.#at(error.offset).split(':').at(-2), error]));
    const first = errors[0]?.offset === begin ? errors.slice(0, 1) : [...byLine.values()];
    return first.map(({ error, offset }) => {
      const words = printParseErrorCode(error)
        .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase();
      const found = this.#text.slice(offset, offset + 20).split('\n', 1)[0] ?? '';
      return { offset, text: `not valid JSON: ${words}${found === '' ? '' : `, found ${JSON.stringify(found)}`}` };
    });
  }

  /** The parser calls itself for each level: a file of brackets would end the run. */
  #tooDeep(): number | undefined {
    let depth = 0;
    for (const { 0: token, index } of this.#text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/g)) {
      if (token === '[' || token === '{') depth++;
      if (token === ']' || token === '}') depth--;
      if (depth > MAX_DEPTH) return index;
    }
    return undefined;
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
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}
