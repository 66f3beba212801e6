import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { errorText } from '../../domain/errors.ts';
import type { TlsPair } from '../../platform/http-server.ts';
import { ManagerError } from '../errors.ts';
import { parseTokens, Tokens } from './tokens.ts';

const MAX_BYTES = 1 << 20;
const OTHERS_READ = 0o007;
const GROUP_WRITES = 0o020;

export interface SecretFiles {
  readonly tokens?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** What the server must not tell. */
export interface Secrets {
  readonly tokens: Tokens;
  readonly tls?: TlsPair;
}

/** Throws {@link ManagerError} `refused`: a file is not there, can be read by others, or is not what it should be. */
export async function readSecrets(files: SecretFiles): Promise<Secrets> {
  const tokens = files.tokens === undefined ? new Tokens([]) : await readTokens(files.tokens);
  if (files.tls === undefined) return { tokens };
  const tls = { cert: await textOf(files.tls.cert), key: await secretText(files.tls.key) };
  mustBePair(files.tls, tls);
  return { tokens, tls };
}

/** A pair that does not fit would be found out by the first host only. */
function mustBePair(files: { readonly cert: string; readonly key: string }, { cert, key }: TlsPair): void {
  const both = `${files.cert} and ${files.key}`;
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw refusedFor(`${both}: expected a certificate and its key in PEM: ${errorText(error)}`, error);
  }
  if (!fits) throw refusedFor(`${both}: the key is not that of the certificate`);
}

async function readTokens(file: string): Promise<Tokens> {
  const { holders, problems } = parseTokens(await secretText(file));
  if (problems.length > 0) throw refusedFor(`${file} cannot be understood: ${problems.slice(0, 5).join('; ')}`);
  return new Tokens(holders);
}

/** The mode is that of the file that is read, whatever happens to its name meanwhile. */
async function secretText(file: string): Promise<string> {
  return textOf(file, (mode) => {
    if ((mode & (OTHERS_READ | GROUP_WRITES)) === 0) return;
    const found = (mode & 0o777).toString(8).padStart(4, '0');
    throw refusedFor(`${file}: expected a file that others cannot read (mode 0600 or 0640), found mode ${found}`);
  });
}

async function textOf(file: string, checkMode: (mode: number) => void = () => {}): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { mode, size } = await handle.stat();
      checkMode(mode);
      if (size > MAX_BYTES) throw refusedFor(`${file}: expected at most ${MAX_BYTES} bytes, found ${size}`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof ManagerError) throw error;
    throw refusedFor(`cannot read ${errorText(error)}`, error);
  }
}

function refusedFor(message: string, cause?: unknown): ManagerError {
  return new ManagerError('refused', message, { cause, hint: 'See "Tokens" and "TLS" in docs/bin-manager.md.' });
}
