import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { freePort } from '../support/free-port.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const STABLE = { BIN_PROXY_STABLE_SECONDS: '2' };

/** A program that serves HTTP with the statuses that a file of its version says, one after the other; by default 200. */
class Services {
  readonly #host: Host;
  readonly #port: number;

  constructor(host: Host, port: number) {
    this.#host = host;
    this.#port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/health?key=geheim`;
  }

  says(version: string, ...statuses: readonly number[]): void {
    writeFileSync(join(this.#host.directory, `status-${version}`), statuses.join(' '));
  }

  version(version: string): Buffer {
    this.says(version, 200);
    const file = JSON.stringify(join(this.#host.directory, `status-${version}`));
    return Buffer.from(`#!${process.execPath}
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
let asked = 0;
createServer((_, response) => {
  const statuses = readFileSync(${file}, 'utf8').split(' ');
  response.writeHead(Number(statuses[asked++] ?? statuses.at(-1)));
  response.end('\\u001b[1mthis is ${version}\\n');
}).listen(${this.#port}, '127.0.0.1');
`);
  }
}

describe.concurrent('the health of a program', () => {
  hostTest('must be good in the end, and may be bad while it starts', async ({ host }) => {
    const services = new Services(host, await freePort());
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((name) => services.version(name));
    await host.runs('app', one as Buffer);
    host.manages({ name: 'app', health: { http: { url: services.url, timeout: 1 } } });

    // Bad at first: it becomes good before the window is over.
    services.says('two', 503, 200);
    host.server.publish('app', two as Buffer);
    expect(outcomeOf(await host.tick([], { BIN_PROXY_STABLE_SECONDS: '4' }), 'app')).toMatchObject({
      outcome: 'updated',
      detail: 'proven to run, in good health',
    });

    // Bad in the end: it goes back, and what it answered is kept for root alone.
    services.says('three', 503);
    host.server.publish('app', three as Buffer);
    const back = outcomeOf(await host.tick([], STABLE), 'app');
    expect(back).toMatchObject({ outcome: 'rolled-back', reason: 'unhealthy' });
    expect(back.detail).toMatch(/^app: http:\/\/127\.0\.0\.1:\d+\/health answered 503, expected 200 to 299$/);
    expect(host.installed('app')).toEqual(two);
    const evidence = JSON.parse(readFileSync(back.evidence ?? '', 'utf8')) as Record<string, unknown>;
    expect(evidence).toMatchObject({
      fault: 'release',
      health: [{ name: 'app', health: 'bad', said: ['\\u001b[1mthis is three'] }],
    });
    const explained = await host.run(['explain', 'app']);
    expect(explained.stdout).toMatch(/health:\n +\d\.\d s {2}app: http.* answered 503/);
    expect(explained.stdout).toMatch(/answer of app:\n +\\u001b\[1mthis is three/);
    expect(outcomeOf(await host.tick([], STABLE), 'app')).toMatchObject({ outcome: 'held', reason: 'quarantined' });

    // Bad before: nobody can blame the new one for the same (invariant 5).
    services.says('two', 500);
    services.says('four', 500);
    host.server.publish('app', four as Buffer);
    const unasked = outcomeOf(await host.tick([], STABLE), 'app');
    expect(unasked).toMatchObject({
      outcome: 'updated',
      detail: expect.stringMatching(/^proven to run; its health was not asked, it was bad before: http.* answered 500/),
    });
    expect(host.log()).toMatch(/warn +app: was not healthy before the update, so its health decides nothing/);
    expect(host.log() + JSON.stringify(host.history())).not.toContain('geheim');
  });

  hostTest('is no reason to start what somebody has stopped meanwhile (invariant 7)', async ({ host }) => {
    await host.runs('app', program('1'));
    const [asked, stopped] = [join(host.directory, 'asked'), join(host.directory, 'stopped')];
    const command = ['sh', '-c', `touch '${asked}'; until test -e '${stopped}'; do sleep 0.1; done; exit 1`];
    host.manages({ name: 'app', health: { command, timeout: 60 } });
    host.server.publish('app', program('2'));
    const running = host.tick([], STABLE);
    while (!existsSync(asked)) await delay(50);
    await host.supervisor.ctl('stop', 'app');
    writeFileSync(stopped, '');
    expect(outcomeOf(await running, 'app')).toMatchObject({ outcome: 'updated', service: 'left-stopped' });
    expect(await host.supervisor.state('app')).toBe('STOPPED');
  });

  hostTest('is asked again when its probation ends, tick after tick', async ({ host }) => {
    const services = new Services(host, await freePort());
    const [one, two] = ['one', 'two'].map((name) => services.version(name));
    await host.runs('app', one as Buffer);
    const marker = join(host.directory, 'status-two');
    // The former version has no such file to answer with, so it is well.
    const script = 'if cmp -s "$1" "$2"; then grep -q 200 "$3"; fi';
    const copy = join(host.directory, 'two');
    writeFileSync(copy, two as Buffer);
    host.manages({ name: 'app', health: { command: ['sh', '-c', script, 'health', host.path('app'), copy, marker] } });
    host.server.publish('app', two as Buffer);
    const brief = { BIN_PROXY_STABLE_SECONDS: '1', BIN_PROXY_PROBATION_SECONDS: '1' };

    expect(outcomeOf(await host.tick([], brief), 'app')).toMatchObject({ outcome: 'updated' });
    services.says('two', 503);
    await delay(1_000);
    for (let tick = 1; tick <= 2; tick++) {
      expect(outcomeOf(await host.tick([], brief), 'app')).toMatchObject({ outcome: 'up-to-date' });
    }
    const back = outcomeOf(await host.tick([], brief), 'app');
    expect(back).toMatchObject({
      outcome: 'rolled-back',
      reason: 'unhealthy',
      detail: 'app: sh exited with 1, expected 0 at the end of its probation (seen 3 times)',
    });
    expect(host.installed('app')).toEqual(one);
    expect(await host.supervisor.state('app')).toBe('RUNNING');
  });

  hostTest('is not asked when its probation ends after a reboot: it may still warm up', async ({ host }) => {
    const [one, two] = [program('one'), program('two')];
    await host.runs('app', one);
    const well = join(host.directory, 'well');
    writeFileSync(well, '');
    host.manages({ name: 'app', health: { command: ['test', '-e', well] } });
    host.server.publish('app', two);
    const brief = { BIN_PROXY_STABLE_SECONDS: '1', BIN_PROXY_PROBATION_SECONDS: '1' };
    expect(outcomeOf(await host.tick([], brief), 'app')).toMatchObject({ outcome: 'updated' });
    // As if the host had come up anew since.
    const file = join(host.stateDir, 'probation.json');
    const before = JSON.parse(readFileSync(file, 'utf8')) as { probations: { bootId: string }[] };
    const probations = before.probations.map((one) => ({ ...one, bootId: 'the one before' }));
    writeFileSync(file, JSON.stringify({ ...before, probations }));
    rmSync(well);
    await delay(1_000);

    expect(outcomeOf(await host.tick([], brief), 'app')).toMatchObject({ outcome: 'up-to-date' });

    expect(existsSync(file)).toBe(false);
    expect(host.log()).toContain('app: probation is over');
  });
});
