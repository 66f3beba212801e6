/** The sections of an INI file, each with its keys in lower case. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

const TITLE = /^\[([^\]]+)\]/;
const PAIR = /^([^=:]+?)\s*[=:]\s*(.*)$/;
/** A comment begins a line, or follows a blank. */
const COMMENT = /(^|\s)[;#].*$/;

/**
 * Reads INI text by the rules of Python's `RawConfigParser` as supervisor uses it: `=` or `:`, `;` and `#` begin a
 * comment, of two values the last counts. Lines that continue a value, and lines that mean nothing, are passed over.
 */
export function iniSections(text: string): IniSections {
  const sections = new Map<string, Map<string, string>>();
  let keys: Map<string, string> | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.replace(COMMENT, '').trimEnd();
    const title = TITLE.exec(line)?.[1];
    const [, key, value] = PAIR.exec(line) ?? [];
    if (title !== undefined) {
      keys = sections.get(title) ?? new Map<string, string>();
      sections.set(title, keys);
    } else if (key !== undefined && value !== undefined && !/^\s/.test(line)) {
      keys?.set(key.toLowerCase(), value);
    }
  }
  return sections;
}
