import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly key: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly certFile: string;
}

export interface Wanted {
  /** As in subjectAltName: `IP:127.0.0.1`, `DNS:localhost`. */
  readonly names?: string;
  /** From and to, as `YYYYMMDDHHMMSSZ`; two days from now if absent. */
  readonly dates?: readonly [string, string];
}

/** A certificate authority of a test, made with openssl as an operator would make one. */
export class Authority {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-proxy-ca-'));
  readonly certFile = this.#path('ca.pem');
  #issued = 0;

  constructor(name = 'Test Authority', { dates }: Wanted = {}) {
    writeFileSync(
      this.#path('ca.conf'),
      [
        '[ca]\ndefault_ca=us',
        `[us]\nnew_certs_dir=${this.directory}\ndatabase=${this.#path('index')}\nserial=${this.#path('serial')}`,
        'default_md=sha256\npolicy=any\ncopy_extensions=copy\nunique_subject=no',
        '[any]\ncommonName=supplied',
        '[authority]\nbasicConstraints=critical,CA:true\nsubjectKeyIdentifier=hash\n',
      ].join('\n'),
    );
    writeFileSync(this.#path('index'), '');
    writeFileSync(this.#path('serial'), '1000');
    this.#request('ca', ['-subj', `/CN=${name}`]);
    this.#sign('ca', { ...(dates && { dates }) }, ['-selfsign', '-extensions', 'authority']);
  }

  get cert(): string {
    return readFileSync(this.certFile, 'utf8');
  }

  /** A key and a certificate for a server. */
  issue({ names = 'IP:127.0.0.1', ...wanted }: Wanted = {}): Identity {
    const name = `server-${++this.#issued}`;
    this.#request(name, ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]);
    this.#sign(name, wanted, ['-cert', this.certFile]);
    const [keyFile, certFile] = [this.#path(`${name}.key`), this.#path(`${name}.pem`)];
    return { keyFile, certFile, key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #request(name: string, more: readonly string[]): void {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', this.#path(`${name}.key`), '-out', this.#path(`${name}.csr`)];
    execFileSync('openssl', ['req', '-new', ...kind, ...files, ...more], { stdio: 'ignore' });
  }

  #sign(name: string, { dates }: Wanted, more: readonly string[]): void {
    const [from = '', to = ''] = dates ?? [];
    const term = dates === undefined ? ['-days', '2'] : ['-startdate', from, '-enddate', to];
    const files = [
      '-in',
      this.#path(`${name}.csr`),
      '-out',
      this.#path(`${name}.pem`),
      '-keyfile',
      this.#path('ca.key'),
    ];
    const config = ['-config', this.#path('ca.conf'), '-batch', '-notext'];
    execFileSync('openssl', ['ca', ...config, ...files, ...term, ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}
