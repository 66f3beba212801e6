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
/** Variables whose values stand in no message (invariant 14). */
const SECRET = /TOKEN|SECRET|PASS|KEY|_PROXY$/i;

/**
 * Reads a list of `export K="v"` lines the way a POSIX shell would. What a shell would compute (`$HOME`, `$(…)`) is a
 * problem here and not a wrong value: cron may source the file while this program only reads it.
 */
export function parseConfig(text: string): ConfigText {
  const assignments: Assignment[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.replace(/\r$/, '');
    const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0;
    const body = line.slice(indent).replace(/[ \t]+$/, '');
    if (body === '' || body.startsWith('#')) continue;
    const [assigned, variable] = NAME.exec(body) ?? [];
    if (assigned === undefined || variable === undefined) {
      // No more than its first words: after them may stand a secret.
      const words = /^(?:export[ \t]+)?[^\s=:]*/.exec(body)?.[0].slice(0, 40) ?? '';
      problems.push(`${index + 1}:${indent + 1}  ${EXPECTED}, found a line that begins with ${JSON.stringify(words)}`);
      continue;
    }
    const at = `${index + 1}:${indent + assigned.length + 1}`;
    const value = parseValue(body.slice(assigned.length));
    if (typeof value === 'string') assignments.push({ variable, value, at });
    else problems.push(`${at}  ${variable}: ${SECRET.test(variable) ? value.discreet : value.problem}`);
  }
  return { assignments, problems };
}

interface Bad {
  readonly problem: string;
  /** The same, without anything of the value. */
  readonly discreet: string;
}

function parseValue(text: string): string | Bad {
  let value = '';
  for (let rest = text; ; ) {
    if (rest === '' || /^[ \t]+(#|$)/.test(rest)) return value;
    const part =
      /^'([^']*)'/.exec(rest) ?? /^"((?:[^"\\]|\\.)*)"/.exec(rest) ?? /^((?:[^\s'"\\;&|<>()]|\\.)+)/.exec(rest);
    const [whole, inner] = part ?? [];
    if (whole === undefined || inner === undefined || whole.includes('\0')) return unreadable(rest);
    const quote = /^['"]/.exec(whole)?.[0];
    if (isComputed(inner, quote, value)) return computed(whole);
    if (quote === "'") value += inner;
    else value += quote === '"' ? inner.replaceAll(/\\(["\\$`])/g, '$1') : inner.replaceAll(/\\(.)/g, '$1');
    rest = rest.slice(whole.length);
  }
}

/** `$…` and backquotes anywhere but in single quotes; a home directory at the start and after a colon. */
function isComputed(inner: string, quote: string | undefined, before: string): boolean {
  if (quote === "'") return false;
  if (/(^|[^\\])(\\\\)*[$`]/.test(inner)) return true;
  return quote === undefined && (/:~/.test(inner) || (inner.startsWith('~') && /(^|:)$/.test(before)));
}

function computed(whole: string): Bad {
  const problem = 'would be computed by a shell; write the value out, or put it in single quotes';
  return { problem: `${whole} ${problem}`, discreet: `it ${problem}` };
}

function unreadable(rest: string): Bad {
  if (/^['"]/.test(rest)) {
    const problem = `the quote ${rest[0]} is not closed on this line`;
    return { problem, discreet: problem };
  }
  const expected = 'expected the end of the line';
  const hint = 'quote a value that holds blanks';
  return {
    problem: `${expected}, found ${JSON.stringify(rest.trim().slice(0, 40))}; ${hint}`,
    discreet: `${expected} after the value; ${hint}`,
  };
}
