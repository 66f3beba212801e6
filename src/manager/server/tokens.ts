import { createHash, timingSafeEqual } from 'node:crypto';

/** What a token can be good for. */
export const RIGHTS = ['publish', 'read', 'report'] as const;
export type Right = (typeof RIGHTS)[number];

/** One line of the token file. */
export interface TokenHolder {
  /** Stands in the access log; the token does not (invariant 14). */
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
  /** Of the token. */
  readonly sha256: Buffer;
}

/** A token is no password: it is random, so one look at its digest is enough, and nobody guesses it. */
const LEAST_LENGTH = 32;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/;
const HASHED = /^sha256:([0-9a-fA-F]{64})$/;
const PLAIN = /^[\x21-\x7e]+$/;

/**
 * Reads a token file: a line each of name, rights and token, as in `ci publish 6f1c…` or `hosts read,report sha256:…`.
 * Problems name the line and never quote the token.
 */
export function parseTokens(text: string): {
  readonly holders: readonly TokenHolder[];
  readonly problems: readonly string[];
} {
  const holders: TokenHolder[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const read = parseLine(words);
    if (typeof read === 'string') problems.push(`line ${index + 1}: ${read}`);
    else if (holders.some(({ sha256 }) => sha256.equals(read.sha256)))
      problems.push(`line ${index + 1}: the token stands there twice`);
    else holders.push(read);
  }
  return { holders, problems };
}

function parseLine(words: readonly string[]): TokenHolder | string {
  const [name = '', rightsText = '', token = '', ...rest] = words;
  if (token === '' || rest.length > 0) return 'expected three words: a name, rights and a token';
  if (!NAME.test(name)) return 'expected a name of letters, digits, ".", "_", "-" and "@" as the first word';
  const rights = rightsText.split(',').map((word) => RIGHTS.find((right) => right === word));
  if (!rights.every((right) => right !== undefined)) {
    return `expected some of ${RIGHTS.join(',')} with commas between as the second word`;
  }
  const hex = HASHED.exec(token)?.[1];
  if (hex !== undefined) return { name, rights: new Set(rights), sha256: Buffer.from(hex, 'hex') };
  if (!PLAIN.test(token) || token.length < LEAST_LENGTH) {
    return `expected a random token of ${LEAST_LENGTH} or more printable ASCII characters as the third word, or "sha256:" and its digest`;
  }
  return { name, rights: new Set(rights), sha256: digestOf(token) };
}

/** Who may do what. What no token is good for is free for all, but for publishing. */
export class Tokens {
  readonly holders: readonly TokenHolder[];
  readonly #needed: ReadonlySet<Right>;

  constructor(holders: readonly TokenHolder[]) {
    this.holders = holders;
    this.#needed = new Set<Right>(['publish', ...holders.flatMap(({ rights }) => [...rights])]);
  }

  needs(right: Right): boolean {
    return this.#needed.has(right);
  }

  has(right: Right): boolean {
    return this.holders.some(({ rights }) => rights.has(right));
  }

  /** Compares digests, all of them and each in constant time: how long it takes says nothing of how near a guess was. */
  holderOf(token: string): TokenHolder | undefined {
    const digest = digestOf(token);
    let found: TokenHolder | undefined;
    for (const holder of this.holders) if (timingSafeEqual(holder.sha256, digest)) found = holder;
    return found;
  }
}

/** The token of an `Authorization` header: `Bearer`, or the password of `Basic`, for browsers. */
export function presentedToken(header: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(header ?? '') ?? [];
  if (value === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const account = Buffer.from(value, 'base64').toString('utf8');
  return account.slice(account.indexOf(':') + 1);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
