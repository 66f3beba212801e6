/** A section of an INI file. */
export interface IniSection {
  /** By their names in lower case. */
  readonly keys: ReadonlyMap<string, string>;
  /** `more`: it has lines that were passed over, or that versions of Python read in different ways. */
  readonly has: 'plain keys' | 'more';
}

interface GrowingSection {
  readonly keys: Map<string, string>;
  has: IniSection['has'];
}

const TITLE = /^\[([^\]]+)\]/;
const PAIR = /^([^=:]+?)\s*[=:]\s*(.*)$/;
/** A comment begins a line, or follows a blank. */
const COMMENT = /(^|\s)[;#].*$/;
/** Python 2 takes it for a part of the value. */
const LATER_COMMENT = /\s#/;

/**
 * Reads INI text by the rules of Python's `RawConfigParser` as supervisor uses it: `=` or `:`, `;` and `#` begin a
 * comment, of two values the last counts. Indented lines, which may continue a value, are passed over.
 */
export function iniSections(text: string): ReadonlyMap<string, IniSection> {
  const sections = new Map<string, GrowingSection>();
  let section: GrowingSection | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(COMMENT, '').trimEnd();
    const title = TITLE.exec(line)?.[1];
    const [, key, value] = PAIR.exec(line) ?? [];
    if (title !== undefined) {
      section = sections.get(title) ?? { keys: new Map<string, string>(), has: 'plain keys' };
      sections.set(title, section);
    } else if (section !== undefined && line !== '') {
      const isPlain = key !== undefined && value !== undefined && !/^\s/.test(line);
      if (isPlain) section.keys.set(key.toLowerCase(), value);
      if (!isPlain || LATER_COMMENT.test(raw)) section.has = 'more';
    }
  }
  return sections;
}
