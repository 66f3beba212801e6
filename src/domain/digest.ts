/** A digest: an algorithm and its value in lower-case hex. There is no digest without a value. */
export type DigestAlgorithm = 'md5' | 'sha256';

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { md5: 32, sha256: 64 };

/** Digests of zero bytes. A release that is empty is never meant, so no source may offer one. */
const OF_NOTHING: Readonly<Record<DigestAlgorithm, string>> = {
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

/**
 * Reads hex as a server or a person writes it: any case, blanks around it.
 * @returns undefined where the text is not hex of the algorithm's length.
 */
export function digestFromHex(algorithm: DigestAlgorithm, text: string): Digest | undefined {
  const hex = text.trim().toLowerCase();
  return hex.length === HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(hex) ? { algorithm, hex } : undefined;
}

/** Reads `md5:…` or `sha256:…`, the form used in state files and output. */
export function digestFromText(text: string): Digest | undefined {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  return algorithm === 'md5' || algorithm === 'sha256' ? digestFromHex(algorithm, text.slice(colon + 1)) : undefined;
}

/** Writes `algorithm:hex`, the inverse of {@link digestFromText}. */
export function digestText(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`;
}

/** The first eight hex digits: enough for a person to compare two lines. */
export function shortDigest(digest: Digest): string {
  return digest.hex.slice(0, 8);
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.algorithm === b.algorithm && a.hex === b.hex;
}

export function isDigestOfNothing(digest: Digest): boolean {
  return digest.hex === OF_NOTHING[digest.algorithm];
}
