/** One assignment of the config file, with the place of its value. */
export interface Assignment {
  readonly variable: string;
  readonly value: string;
  /** `line:col`. */
  readonly at: string;
}

export interface ConfigText {
  readonly assignments: readonly Assignment[];
  /** `line:col  what is wrong`, every one of them. */
  readonly problems: readonly string[];
}

const NAME = /^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/;
const EXPECTED = 'expected a line such as export BIN_DIR="/usr/local/bin"';

/**
 * Reads a list of `export K="v"` lines the way a POSIX shell would. What a shell would compute (`$HOME`, `$(…)`) is a
 * problem here and not a wrong value: cron may source the file while this program only reads it.
 */
export function parseConfig(text: string): ConfigText {
  const assignments: Assignment[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text.replace(/^\uFEFF/, '').split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    const indent = line.length - line.trimStart().length;
    const body = line.trim();
    if (body === '' || body.startsWith('#')) continue;
    const [assigned, variable] = NAME.exec(body) ?? [];
    if (assigned === undefined || variable === undefined) {
      problems.push(`${index + 1}:${indent + 1}  ${EXPECTED}, found ${JSON.stringify(body.slice(0, 60))}`);
      continue;
    }
    const at = `${index + 1}:${indent + assigned.length + 1}`;
    const value = parseValue(body.slice(assigned.length));
    if (typeof value === 'string') assignments.push({ variable, value, at });
    else problems.push(`${at}  ${variable}: ${value.problem}`);
  }
  return { assignments, problems };
}

interface Bad {
  readonly problem: string;
}

function parseValue(text: string): string | Bad {
  let value = '';
  for (let rest = text; ; ) {
    if (rest === '' || /^[ \t]+(#|$)/.test(rest)) return value;
    const part = /^'([^']*)'/.exec(rest) ?? /^"((?:[^"\\]|\\.)*)"/.exec(rest) ?? /^((?:[^\s'"\\;&|<>()]|\\.)+)/.exec(rest);
    const [whole, inner] = part ?? [];
    if (whole === undefined || inner === undefined) return { problem: unreadable(rest) };
    if (whole.startsWith("'")) {
      value += inner;
    } else {
      if (/(^|[^\\])(\\\\)*[$`]/.test(inner)) {
        return { problem: `${whole} would be computed by a shell; write the value out, or put it in single quotes` };
      }
      value += whole.startsWith('"') ? inner.replaceAll(/\\(["\\$`])/g, '$1') : inner.replaceAll(/\\(.)/g, '$1');
    }
    rest = rest.slice(whole.length);
  }
}

function unreadable(rest: string): string {
  if (rest.startsWith('"') || rest.startsWith("'")) return `the quote ${rest[0]} is not closed on this line`;
  return `expected the end of the line, found ${JSON.stringify(rest.trim().slice(0, 40))}; quote a value that holds blanks`;
}
