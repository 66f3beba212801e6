import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificates } from '../../src/platform/certificates.ts';
import { folder } from '../store/folder.ts';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';

const place = folder();
const NOW = new Date();

function file(...parts: readonly string[]): string {
  const path = place.path('ca.pem');
  writeFileSync(path, parts.join(''));
  return path;
}

async function refusal(path: string): Promise<{ readonly message: string; readonly hint?: string }> {
  const error: unknown = await readCertificates(path, NOW).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ name: 'RunError', code: 'settings-invalid' });
  return error as { readonly message: string; readonly hint?: string };
}

describe('a file of certificates', () => {
  it('that is not there is told by name, with the setting to correct', async () => {
    expect(await refusal('/nowhere/ca.pem')).toMatchObject({
      message: 'there is no file /nowhere/ca.pem with certificates',
      hint: 'Create it, or correct BIN_PROXY_CA_FILE.',
    });
  });

  it('that is a directory is told', async () => {
    mkdirSync(place.path('dir'));
    expect((await refusal(place.path('dir'))).message).toMatch(/^cannot read the certificates in \S+\/dir: EISDIR/);
  });

  it.each([
    '',
    'hello',
    '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n',
    '-----BEGIN CERTIFICATE-----\nMIIB',
  ])('without a certificate is told, with a way to make one: %j', async (text) => {
    const path = file(text);
    const { message, hint } = await refusal(path);
    expect(message).toBe(`expected one or more PEM certificates in ${path}, found none`);
    expect(hint).toContain('openssl x509 -inform der');
  });
});

describe.skipIf(!has('openssl'))('a file of certificates made by openssl', () => {
  const made: Authority[] = [];
  let [good, expired, early] = ['', '', ''];

  beforeAll(() => {
    made.push(new Authority('Good'));
    made.push(new Authority('Old', { dates: ['20200101000000Z', '20210101000000Z'] }));
    made.push(new Authority('Early', { dates: ['29990101000000Z', '29990201000000Z'] }));
    [good = '', expired = '', early = ''] = made.map(({ cert }) => cert);
  });

  afterAll(() => {
    for (const authority of made) authority.remove();
  });

  it('may hold one or several, with text around them and Windows line ends', async () => {
    expect(await readCertificates(file(good), NOW)).toHaveLength(1);
    expect(await readCertificates(file('# ours\n', good, '\nCertificate:\n  Data:\n', good), NOW)).toHaveLength(2);
    expect(await readCertificates(file(good.replaceAll('\n', '\r\n')), NOW)).toHaveLength(1);
  });

  it('may hold one that has expired beside a good one: so an authority is replaced', async () => {
    expect(await readCertificates(file(expired, good), NOW)).toHaveLength(2);
  });

  it('must hold one that is valid now; else its dates and the clock of this host are told', async () => {
    const path = file(expired, early);
    expect(await refusal(path)).toMatchObject({
      message: `no certificate in ${path} is valid now: CN=Old expired on 2021-01-01; CN=Early begins on 2999-01-01`,
      hint: `Put a valid one there, or correct the clock of this host: it says ${NOW.toISOString()}.`,
    });
  });

  it('that is damaged is told with the place of the damage', async () => {
    const path = file(good, good.replace(/\n.{20}/, `\n${'A'.repeat(20)}`));
    expect((await refusal(path)).message).toMatch(new RegExp(`^certificate 2 of ${path} is damaged: \\S`));
  });

  it('in binary (DER) is told, and the hint makes it right', async () => {
    const der = place.path('ca.der');
    execFileSync('openssl', ['x509', '-in', made[0]?.certFile ?? '', '-outform', 'der', '-out', der]);
    const { hint = '' } = await refusal(der);
    const command =
      /From DER: (.*)$/.exec(hint)?.[1]?.replace('FILE', der).replace(`-out ${der}`, `-out ${der}.pem`) ?? '';
    execFileSync('sh', ['-c', command]);
    expect(await readCertificates(`${der}.pem`, NOW)).toHaveLength(1);
  });
});
