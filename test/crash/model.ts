import { existsSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { Host, type RanTick } from '../support/host.ts';
import { md5, program } from '../support/program.ts';

export const SETTINGS = { BIN_PROXY_STABLE_SECONDS: '1', BIN_PROXY_PROBATION_SECONDS: '0' };

/** `impostor`: the server delivers something else than it offers. */
export type Kind = 'good' | 'dies' | 'impostor';

export interface Release {
  readonly version: string;
  readonly kind: Kind;
  readonly bytes: Buffer;
  readonly md5: string;
}

/** What must be so, as far as it follows from what was done. Where a tick was killed, less follows until the next one ends. */
export interface Model {
  server: 'up' | 'down';
  hold: 'on' | 'off';
  service: 'wanted' | 'stopped';
  offer: Release | undefined;
  /** Digests that may lie at the path. */
  possible: Set<string>;
  /** Killed or damaged since the last tick that ended by itself. */
  unsettled: number;
  /** Whether what is installed stays up; a rollback to what does not blames the host, and nothing is counted then. */
  former: 'healthy' | 'unsure';
  readonly quarantined: Set<string>;
  /** Failed here in a way that may keep them out for a while, or may have been forgotten. */
  readonly tried: Set<string>;
  /** How often a bad release may have been started at most; one that nobody judged is not counted. */
  readonly allowance: Map<string, number>;
  everyAllowance: number;
}

export function freshModel(): Model {
  return {
    server: 'up',
    hold: 'off',
    service: 'wanted',
    offer: undefined,
    possible: new Set(),
    unsettled: 0,
    former: 'healthy',
    quarantined: new Set(),
    tried: new Set(),
    allowance: new Map(),
    everyAllowance: 1,
  };
}

/** A real host with one program, and what happened to it. */
export class World {
  readonly host: Host;
  readonly releases: Release[] = [];
  readonly story: string[] = [];
  #startsWhenStopped = 0;

  private constructor(host: Host) {
    this.host = host;
  }

  /** Runs `first`, already, as a good program. */
  static async create(model: Model): Promise<World> {
    const world = new World(await Host.create());
    const first = world.make('good');
    // The program must not be started by anybody but this one and the operator: starts are counted.
    await world.host.runs('app', first.bytes, ['startsecs=0', 'autorestart=false']);
    world.host.manages('app');
    model.possible = new Set([first.md5]);
    return world;
  }

  make(kind: Kind): Release {
    const version = `${this.releases.length + 1}-${kind}`;
    const bytes = kind === 'dies' ? program(version, { life: 300 }) : program(version);
    const release = { version, kind, bytes, md5: md5(bytes) };
    this.releases.push(release);
    return release;
  }

  offer(release: Release | undefined): void {
    const { server } = this.host;
    const [ask, download] = ['/releases/latest/app/md5', '/releases/latest/app/download'];
    server.answer(ask, release === undefined ? (_, response) => response.writeHead(404).end() : undefined);
    if (release === undefined) return;
    server.publish('app', release.bytes);
    const other = program(`${release.version}-impostor`);
    server.answer(download, release.kind === 'impostor' ? (_, response) => response.end(other) : undefined);
  }

  async serverUp(): Promise<void> {
    await this.host.server.listen(Number(new URL(this.host.server.api).port));
  }

  async stopService(): Promise<void> {
    await this.host.supervisor.ctl('stop', 'app');
    this.#startsWhenStopped = this.#started().length;
  }

  async isStopped(): Promise<boolean> {
    return (await this.host.supervisor.state('app')) === 'STOPPED';
  }

  overwrite(bytes: Buffer): void {
    const beside = join(this.host.directory, 'by-hand');
    writeFileSync(beside, bytes, { mode: 0o755 });
    renameSync(beside, this.host.path('app'));
  }

  hold(on: 'on' | 'off'): void {
    const manifest = JSON.parse(readFileSync(this.host.manifest, 'utf8')) as { binaries: Record<string, unknown>[] };
    for (const entry of manifest.binaries) entry['hold'] = on === 'on' ? 'until tomorrow' : false;
    writeFileSync(this.host.manifest, JSON.stringify(manifest, null, 4));
  }

  /** Halves a file of the state directory; returns whether there was one. */
  damage(file: string): 'damaged' | 'absent' {
    const path = join(this.host.stateDir, file);
    if (!existsSync(path)) return 'absent';
    truncateSync(path, Math.floor(statSync(path).size / 2));
    return 'damaged';
  }

  /** The kernel frees a dead run's lock within moments. */
  async tick(args: readonly string[] = []): Promise<RanTick> {
    for (let time = 0; ; time++) {
      const ran = await this.host.tick(args, SETTINGS);
      if (ran.code !== 75 || time > 100) return ran;
      await delay(100);
    }
  }

  installed(): string {
    return md5(this.host.installed('app'));
  }

  released(digest: string): Release | undefined {
    return this.releases.find((one) => one.md5 === digest);
  }

  /** What must hold whatever was done. */
  mustHold(model: Model): void {
    expect(model.possible, `${this.host.installed('app').length} bytes at the path (invariant 1)`).toContain(
      this.installed(),
    );
    expect(statSync(this.host.path('app')).mode & 0o777).toBe(0o755);
    expect(() => this.host.manifestEntry('app')).not.toThrow();
    const started = this.#started();
    if (model.service === 'stopped')
      expect(started.length, 'started though stopped (invariant 7)').toBe(this.#startsWhenStopped);
    for (const { version, kind } of this.releases) {
      const starts = started.filter((one) => one === version || one === `${version}-impostor`).length;
      const most = kind === 'impostor' ? 0 : (model.allowance.get(version) ?? model.everyAllowance);
      if (kind !== 'good') expect(starts, `starts of ${version} (invariant 5)`).toBeLessThanOrEqual(most);
    }
  }

  #started(): readonly string[] {
    const said = readFileSync(join(this.host.directory, 'app.out.log'), 'utf8');
    return [...said.matchAll(/started VERSION=(\S+)/g)].map(([, version]) => version ?? '');
  }
}
