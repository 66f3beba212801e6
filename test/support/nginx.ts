import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const SHIPPED = new URL('../../config/nginx.conf', import.meta.url).pathname;

/** The real nginx with the shipped configuration, on a free port; only the port and the root are other ones. */
export class Nginx {
  readonly #directory = mkdtempSync(join(tmpdir(), 'bin-manager-nginx-'));
  readonly #port: number;
  readonly #child: ChildProcess;

  private constructor(root: string, port: number) {
    this.#port = port;
    const site = readFileSync(SHIPPED, 'utf8')
      .replace('listen 8080;', `listen 127.0.0.1:${port};`)
      .replace('root /var/lib/bin-manager;', `root ${root};`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${this.#directory}/${name};`,
    );
    writeFileSync(
      join(this.#directory, 'nginx.conf'),
      [
        `daemon off; master_process off; pid ${this.#directory}/pid; error_log stderr;`,
        'events { }',
        `http { access_log off; include /etc/nginx/mime.types; ${temporary.join(' ')}\n${site}\n}`,
      ].join('\n'),
    );
    this.#child = spawn('nginx', ['-p', this.#directory, '-c', join(this.#directory, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  static async start(root: string): Promise<Nginx> {
    const nginx = new Nginx(root, await freePort());
    let said = '';
    nginx.#child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    for (let attempt = 0; attempt < 200; attempt++) {
      if (nginx.#child.exitCode !== null) throw new Error(`nginx has ended: ${said}`);
      const isUp = await fetch(nginx.api).then(
        () => true,
        () => false,
      );
      if (isUp) return nginx;
      await delay(50);
    }
    throw new Error(`nginx does not answer: ${said}`);
  }

  get api(): string {
    return `http://127.0.0.1:${this.#port}/api/v1`;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
