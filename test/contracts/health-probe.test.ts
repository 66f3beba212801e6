import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandCheck, HealthAnswer, HttpCheck } from '../../src/domain/health.ts';
import { runCommand } from '../../src/platform/command.ts';
import { CommandProbe } from '../../src/probes/command.ts';
import { HttpProbe } from '../../src/probes/http.ts';
import { freePort } from '../support/free-port.ts';

const TIMEOUT_MS = 700;

/** What is asked, in the words of the contract. */
type Case = 'good' | 'bad' | 'silent' | 'endless' | 'loud' | 'hostile' | 'absent';

/** One adapter with something real to ask. */
interface Bench {
  ask(what: Case): Promise<HealthAnswer>;
  /** What is left of its questions. */
  leftovers(): number;
  remove(): void;
}

const LOUD_LINES = 5000;
const HOSTILE = '\u001b[31mred\u0007\n';

const ANSWERS: Readonly<Record<Exclude<Case, 'absent'>, RequestListener>> = {
  good: (_, response) => response.end('fine'),
  bad: (_, response) => response.writeHead(503).end('the database is gone\n'),
  silent: () => {},
  endless: (_, response) => {
    response.write('x');
  },
  loud: (_, response) => response.writeHead(500).end('a long line\n'.repeat(LOUD_LINES)),
  hostile: (_, response) => response.writeHead(500).end(HOSTILE),
};

class HttpBench implements Bench {
  readonly #server: Server = createServer((request, response) => {
    ANSWERS[(request.url ?? '').slice(1) as keyof typeof ANSWERS](request, response);
  });
  readonly #probe = new HttpProbe();
  #open = 0;

  constructor() {
    this.#server.on('connection', (socket) => {
      this.#open++;
      socket.on('close', () => this.#open--);
    });
  }

  async ask(what: Case): Promise<HealthAnswer> {
    if (!this.#server.listening) await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    const port = what === 'absent' ? await freePort() : (this.#server.address() as AddressInfo).port;
    const check: HttpCheck = { kind: 'http', url: `http://127.0.0.1:${port}/${what}`, timeoutMs: TIMEOUT_MS };
    return this.#probe.ask(check);
  }

  leftovers(): number {
    return this.#open;
  }

  remove(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

class CommandBench implements Bench {
  readonly #directory = mkdtempSync(join(tmpdir(), 'bin-proxy-health-'));
  readonly #probe = new CommandProbe(runCommand);
  readonly #scripts: Readonly<Record<Exclude<Case, 'absent'>, string>> = {
    good: 'echo fine',
    bad: 'echo the database is gone >&2; exit 3',
    // With children of its own, and one that it leaves behind.
    silent: `sleep ${this.#sleep()} & sleep ${this.#sleep()}`,
    endless: `sleep ${this.#sleep()} & echo x; exit 1`,
    loud: `yes "a long line" | head -n ${LOUD_LINES}; exit 1`,
    hostile: `printf '\\033[31mred\\007\\n'; exit 1`,
  };

  ask(what: Case): Promise<HealthAnswer> {
    const command: CommandCheck['command'] =
      what === 'absent' ? [join(this.#directory, 'nosuch')] : ['sh', '-c', this.#scripts[what]];
    return this.#probe.ask({ kind: 'command', command, timeoutMs: TIMEOUT_MS });
  }

  leftovers(): number {
    const all = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
    return all.filter((line) => line.startsWith(`sleep ${this.#sleep()}`)).length;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  /** A number of seconds that no other program of this machine sleeps. */
  #sleep(): string {
    return `9${process.pid}`;
  }
}

describe.each<[string, () => Bench]>([
  ['http', () => new HttpBench()],
  ['command', () => new CommandBench()],
])('the health probe %s', (_, make) => {
  let bench: Bench;
  beforeEach(() => {
    bench = make();
  });
  afterEach(() => bench.remove());

  it('says good, with what was said', async () => {
    expect(await bench.ask('good')).toMatchObject({ health: 'good', said: ['fine'] });
  });

  it('says bad, with what was expected and found, and keeps apart what was said (invariant 14)', async () => {
    const { health, detail, said } = await bench.ask('bad');
    expect([health, said]).toEqual(['bad', ['the database is gone']]);
    expect(detail).toMatch(/^(http:\S+ answered 503, expected 200 to 299|sh exited with 3, expected 0)$/);
  });

  it.each<Case>(['silent', 'endless'])('ends in time, and leaves nothing open or running: %s', async (what) => {
    const begun = performance.now();
    const answer = await bench.ask(what);
    expect(answer.health).toBe('bad');
    expect(performance.now() - begun).toBeLessThan(TIMEOUT_MS + 3_000);
    await expect.poll(() => bench.leftovers(), { timeout: 5_000 }).toBe(0);
  });

  it('keeps no more than a few lines of what is said', async () => {
    const { said } = await bench.ask('loud');
    expect(said.length).toBeGreaterThan(1);
    expect(said.length).toBeLessThanOrEqual(20);
  });

  it('makes what is said fit for a terminal', async () => {
    expect((await bench.ask('hostile')).said).toEqual(['\\u001b[31mred\\u0007']);
  });

  it('says bad where there is nobody to ask', async () => {
    expect((await bench.ask('absent')).detail).toMatch(/ECONNREFUSED|was not found/);
  });
});

describe('the HTTP probe', () => {
  let server: Server;
  const seen: string[] = [];
  beforeEach(async () => {
    seen.length = 0;
    server = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(request.url === '/moved' ? 302 : 418, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterEach(() => void server.close());
  const ask = (path: string, status?: number) =>
    new HttpProbe().ask({
      kind: 'http',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
      timeoutMs: TIMEOUT_MS,
      ...(status !== undefined && { status }),
    });

  it('takes the one status that is wanted, and that of a redirect for its answer', async () => {
    expect((await ask('/tea', 418)).health).toBe('good');
    expect((await ask('/tea')).detail).toMatch(/answered 418, expected 200 to 299$/);
    expect((await ask('/moved', 302)).health).toBe('good');
    expect(await ask('/moved')).toMatchObject({ health: 'bad' });
    expect(seen).toEqual(['/tea', '/tea', '/moved', '/moved']);
  });

  it('shows no query, which may hold a secret (invariant 14)', async () => {
    expect((await ask('/tea?key=geheim')).detail).not.toContain('geheim');
    expect(seen).toEqual(['/tea?key=geheim']);
  });
});
