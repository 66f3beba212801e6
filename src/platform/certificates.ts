import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { errorText, RunError } from '../domain/errors.ts';
import { readText } from './files.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM file, each as PEM. Text around them is allowed, as in every bundle. Throws {@link RunError}
 * `settings-invalid` where there is none, where one is damaged, and where none is valid at this time: an expired one
 * among others does no harm.
 */
export async function readCertificates(file: string, now: Date): Promise<readonly string[]> {
  const blocks = [...((await textOf(file)).match(BLOCK) ?? [])];
  if (blocks.length === 0) {
    throw invalid(`expected one or more PEM certificates in ${file}, found none`, {
      hint: `It needs lines such as "-----BEGIN CERTIFICATE-----". From DER: openssl x509 -inform der -in FILE -out ${file}`,
    });
  }
  const certificates = blocks.map((block, index) => parse(block, `certificate ${index + 1} of ${file}`));
  const wrong = certificates.map((one) => whyNotNow(one, now));
  if (!wrong.includes(undefined)) {
    throw invalid(`no certificate in ${file} is valid now: ${wrong.join('; ')}`, {
      hint: `Put a valid one there, or correct the clock of this host: it says ${now.toISOString()}.`,
    });
  }
  return blocks;
}

/** Believes these certificates beside those that come with Node. One context for all connections: it takes 20 ms. */
export function trusting(certificates: readonly string[]): SecureContext {
  return createSecureContext({ ca: [...rootCertificates, ...nodesOwnExtra(), ...certificates] });
}

/** A list of one's own replaces everything that Node believes, so what its environment names is added here again. */
function nodesOwnExtra(): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  try {
    return file === '' ? [] : [readFileSync(file, 'utf8')];
  } catch {
    // Node itself has warned at its start.
    return [];
  }
}

async function textOf(file: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readText(file);
  } catch (cause) {
    throw invalid(`cannot read the certificates in ${file}: ${errorText(cause)}`, { cause });
  }
  if (text === undefined) {
    throw invalid(`there is no file ${file} with certificates`, { hint: 'Create it, or correct BIN_PROXY_CA_FILE.' });
  }
  return text;
}

function parse(block: string, which: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw invalid(`${which} is damaged: ${errorText(cause)}`, { cause, hint: 'Copy it anew.' });
  }
}

/** A date that cannot be read is no reason to refuse: TLS looks at it again. */
function whyNotNow({ subject, validFrom, validTo }: X509Certificate, now: Date): string | undefined {
  const name = subject.replaceAll('\n', ', ');
  if (Date.parse(validTo) < now.getTime()) return `${name} expired on ${day(validTo)}`;
  if (Date.parse(validFrom) > now.getTime()) return `${name} begins on ${day(validFrom)}`;
  return undefined;
}

function day(text: string): string {
  return new Date(text).toISOString().slice(0, 10);
}

function invalid(message: string, story: ConstructorParameters<typeof RunError>[2]): RunError {
  return new RunError('settings-invalid', message, story);
}
