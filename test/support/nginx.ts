import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from './authority.ts';
import { Daemon } from './daemon.ts';

const SHIPPED = new URL('../../config/nginx.conf', import.meta.url).pathname;

/** The real nginx with the shipped configuration, on a free port; only the port and the root are other ones. */
export class Nginx {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  static async start(root: string): Promise<Nginx> {
    const daemon = await startNginx((port) => {
      const site = readFileSync(SHIPPED, 'utf8')
        .replace('listen 8080;', `listen 127.0.0.1:${port};`)
        .replace('root /var/lib/bin-manager;', `root ${root};`);
      return `access_log off; include /etc/nginx/mime.types;\n${site}`;
    });
    return new Nginx(daemon);
  }

  get api(): string {
    return `http://127.0.0.1:${this.#daemon.port}/api/v1`;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}

/** nginx with TLS, serving the files below its folder's `www`, with a log. */
export async function startTlsNginx({ keyFile, certFile }: Identity): Promise<Daemon> {
  return startNginx((port, directory) => {
    const server = `listen 127.0.0.1:${port} ssl; root ${directory}/www; default_type application/json;`;
    const tls = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};`;
    return `access_log ${directory}/log; server { ${server} ${tls} }`;
  });
}

/** nginx over plain HTTP, serving the files below its folder's `www` as `more` has it, with a log of connections. */
export async function startPlainNginx(more: string): Promise<Daemon> {
  return startNginx((port, directory) => {
    const log = `log_format connections '$connection $status'; access_log ${directory}/log connections;`;
    return `${log} server { listen 127.0.0.1:${port}; root ${directory}/www; ${more} }`;
  });
}

/** nginx in the foreground, with what `site` says of its `http` block. */
async function startNginx(site: (port: number, directory: string) => string): Promise<Daemon> {
  return Daemon.start('nginx', (directory, port) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${directory}/${name};`,
    );
    const file = join(directory, 'nginx.conf');
    writeFileSync(
      file,
      [
        `daemon off; master_process off; error_log stderr; pid ${directory}/pid;`,
        'events {}',
        `http { ${temporary.join(' ')} ${site(port, directory)}\n}\n`,
      ].join('\n'),
    );
    return ['-p', directory, '-c', file];
  });
}
