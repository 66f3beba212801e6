import { isDeepStrictEqual } from 'node:util';
import { RunError } from '../domain/errors.ts';
import { nearestName } from '../domain/names.ts';
import { type WrittenFields, withEntry, withoutEntry, writtenEntry } from '../store/manifest-entries.ts';
import { KNOWN_ENTRY_KEYS, TEXT_FIELDS } from '../store/manifest-schema.ts';
import type { Invocation } from './command-line.ts';

/** A change of the manifest that was asked for. */
export interface ManifestChange {
  readonly names: readonly string[];
  readonly done: 'added' | 'removed';
  /** Pure. Throws {@link RunError} `refused` or `usage` where the manifest does not allow it. */
  edit(text: string, file: string): string;
  /** Lines for a person. */
  story(result: 'added' | 'removed' | 'unchanged', file: string): readonly string[];
}

/** Fields that this program writes, and the one that is a word of its own. */
const NOT_ASKED: ReadonlySet<string> = new Set(['name', 'currentMd5', 'currentSha256']);

/** `manifest add NAME [FIELD=VALUE..]`: as JSON where the field is no text. */
export function addTo([name, ...assignments]: readonly string[], { wishes }: Invocation): ManifestChange {
  if (name === undefined || name.includes('=')) throw new RunError('usage', 'expected: bin-proxy manifest add NAME');
  const { file: path, service } = wishes;
  const fields: WrittenFields = {
    name,
    ...(path !== undefined && { path }),
    ...(service !== undefined && { service: servicesOf(service) }),
    ...Object.fromEntries(assignments.map(assigned)),
  };
  return {
    names: [name],
    done: 'added',
    edit: (text, file) => {
      const there = writtenEntry(text, name);
      if (there === undefined) return withEntry(text, fields);
      mustBeSame(there.fields, fields, `${file}:${there.line}`);
      return text;
    },
    story: (result, file) =>
      result === 'unchanged'
        ? [`${name} is in ${file} already, as it was asked for. Nothing was changed.`]
        : [`${name} added to ${file}. What the next run does about it: bin-proxy plan ${name}`],
  };
}

/** `false`, one name, or several with commas between: as the field itself. */
function servicesOf(text: string): unknown {
  if (text === 'false') return false;
  const names = text.split(',').map((name) => name.trim());
  return names.length === 1 ? names[0] : names;
}

function assigned(word: string): readonly [string, unknown] {
  const equals = word.indexOf('=');
  const [field, text] = [word.slice(0, equals), word.slice(equals + 1)];
  const known = [...KNOWN_ENTRY_KEYS].filter((key) => !NOT_ASKED.has(key));
  if (equals > 0 && known.includes(field)) return [field, readValue(field, text)];
  const near = nearestName(equals > 0 ? field : word, known);
  const hint = `The fields are ${known.join(', ')}.${near === undefined ? '' : ` Did you mean ${near}?`}`;
  throw new RunError('usage', `expected FIELD=VALUE, found ${JSON.stringify(word)}`, { hint });
}

/** `1.4` is a version, and no number; `5` of `keep` is one. */
function readValue(field: string, text: string): unknown {
  if (TEXT_FIELDS.has(field)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Throws {@link RunError} `refused`: a second entry of the name would undo the first one's work. */
function mustBeSame(there: WrittenFields, asked: WrittenFields, place: string): void {
  const differing = Object.entries(asked).filter(([key, value]) => !isDeepStrictEqual(there[key], value));
  if (differing.length === 0) return;
  const lines = differing.map(([key, value]) => {
    const before = there[key] === undefined ? 'not set' : JSON.stringify(there[key]);
    return `  ${key}: ${before} there, ${JSON.stringify(value)} asked for`;
  });
  throw new RunError('refused', [`${String(asked['name'])} is there already, at ${place}`, ...lines].join('\n'), {
    hint: 'Nothing was changed. Edit it there, or remove it first.',
  });
}

/** `manifest remove NAME..`: what is installed and what is kept of it stays where it is. */
export function removeFrom(names: readonly string[]): ManifestChange {
  if (names.length === 0) throw new RunError('usage', 'expected: bin-proxy manifest remove NAME');
  return {
    names,
    done: 'removed',
    edit: (text, file) =>
      names.reduce((rest, name) => {
        if (writtenEntry(rest, name) !== undefined) return withoutEntry(rest, name);
        throw new RunError('usage', `no binary ${JSON.stringify(name)} in the manifest`, {
          hint: `"bin-proxy manifest check" tells those that ${file} names.`,
        });
      }, text),
    story: (_, file) => [
      `${names.join(', ')} removed from ${file}. What is installed and kept of ${names.length === 1 ? 'it' : 'them'} stays as it is.`,
    ],
  };
}
