import type { FastifyRequest } from 'fastify';
import type { BinaryName, VersionName } from '../../domain/names.ts';
import { STABLE } from '../catalog.ts';
import type { Publication } from '../publish.ts';
import { wordReader } from '../word-reader.ts';
import { Refusal } from './trouble.ts';

type Headers = FastifyRequest['headers'];

/** As Fastify gives them: parsed, and not yet believed. */
export interface UploadRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly headers: Headers;
}

const PARAMETERS = ['channel', 'force', 'platform', 'sha256'];
/** RFC 9530 section 2 and 3: a dictionary of base64 between colons; the algorithms of others are passed over. */
const SHA256_MEMBER = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:;[^,]*)?(?=,|$)/;
const read = wordReader((message) => new Refusal(400, message));
const WANT_DIGEST = { 'want-repr-digest': 'sha-256=10' };

/**
 * What an upload is to become: `PUT /api/v1/releases/{name}/{version}?channel=&platform=&force=1&sha256=`, and its digest
 * also as `Repr-Digest` or `Content-Digest` (RFC 9530). Throws {@link Refusal} 400, 411 or 415.
 */
export function uploadRequest({
  params,
  query,
  headers,
}: UploadRequest): Publication & { readonly version: VersionName } {
  mustBeWhole(headers);
  const unknown = Object.keys(query).find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined)
    throw new Refusal(400, `unknown parameter ${JSON.stringify(unknown)}, expected ${PARAMETERS.join(', ')}`);
  const text = (key: string) => {
    const value = query[key];
    if (value === undefined || typeof value === 'string') return value;
    throw new Refusal(400, `the parameter ${key} stands there twice`);
  };
  const platform = read.platform(text('platform'));
  const sha256 = expectedDigest(text('sha256'), headers);
  return {
    name: read.name(params['name']) as BinaryName,
    version: read.version(params['version']) as VersionName,
    channel: read.channel(text('channel')) ?? STABLE,
    conflict: isForced(text('force')) ? 'replace' : 'refuse',
    ...(platform !== undefined && { platform }),
    ...(sha256 !== undefined && { sha256 }),
  };
}

/** RFC 9110 section 14.5: a part must not be taken for the whole; bytes in a coding are not the bytes that hosts run. */
function mustBeWhole(headers: Headers): void {
  if (headers['content-range'] !== undefined) throw new Refusal(400, 'expected the whole file, found Content-Range');
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity') throw new Refusal(415, `expected the file as it is, found Content-Encoding: ${coding}`);
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return;
  throw new Refusal(411, 'expected a file as the body', { hint: 'curl sends one with --upload-file FILE.' });
}

function isForced(value: string | undefined): boolean {
  if (value !== undefined && !['0', '1', 'false', 'true'].includes(value)) {
    throw new Refusal(400, `force: expected 1 or 0, found ${JSON.stringify(value)}`);
  }
  return value === '1' || value === 'true';
}

/** In lower-case hex. Where it is given more than once, all must agree. */
function expectedDigest(parameter: string | undefined, headers: Headers): string | undefined {
  const given = new Set<string>();
  if (parameter !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(parameter)) throw new Refusal(400, 'sha256: expected 64 hex digits');
    given.add(parameter.toLowerCase());
  }
  for (const name of ['repr-digest', 'content-digest']) {
    const value = headers[name];
    if (value !== undefined) given.add(digestInHeader(name, String(value)));
  }
  if (given.size > 1) throw new Refusal(400, `the request names ${given.size} digests that differ`);
  return [...given][0];
}

function digestInHeader(name: string, value: string): string {
  const base64 = SHA256_MEMBER.exec(value)?.[1];
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('hex');
  throw new Refusal(400, `${name}: expected sha-256=:…: with 44 characters of base64`, { headers: WANT_DIGEST });
}
