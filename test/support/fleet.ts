import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { test } from 'vitest';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import { type Fleet, openFleet } from '../../src/manager/fleet/fleet.ts';
import type { Gate } from '../../src/manager/fleet/gate.ts';
import type { CatalogReader, Offers } from '../../src/manager/fleet/offers.ts';
import type { Bounds } from '../../src/manager/fleet/registry.ts';
import { fleetRoutes } from '../../src/manager/fleet/routes.ts';

export const NOW = Date.parse('2026-11-21T12:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** 64 digits that are one digit. */
export function digest(digit: string): string {
  return digit.repeat(64);
}

const pass = () => Promise.resolve();
/** Lets everybody through: what the limits are is asked of the server itself. */
export const OPEN_GATE: Gate = { look: pass, report: pass, introduce: pass };

/** One binary; the first pair is what `stable` offers, with the digest of its only artifact. */
export function offering(
  name: string,
  channels: Readonly<Record<string, readonly [version: string, sha256: string]>>,
  since = NOW - 60 * MINUTE,
): Offers {
  const offers = Object.entries(channels).map(([channel, [version, sha256]]) => ({
    channel: channel as VersionName,
    version: version as VersionName,
    since,
    digests: new Set([sha256]),
  }));
  const versions = new Map(Object.values(channels).map(([version, sha256]) => [sha256, version as VersionName]));
  return new Map([[name, { name: name as BinaryName, offers, versions }]]);
}

/** A fleet whose releases and whose time a test decides. */
export class FleetFolder implements CatalogReader {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-manager-fleet-'));
  readonly nodes = join(this.directory, 'nodes');
  /** What it told whoever runs it. */
  readonly told: string[] = [];
  now = NOW;
  offers: Offers = new Map();
  readonly #open: Fleet[] = [];
  readonly #apps: FastifyInstance[] = [];

  async read(): Promise<Offers> {
    return this.offers;
  }

  async open(bounds?: Bounds, directory = this.nodes): Promise<Fleet> {
    const fleet = await openFleet({
      directory,
      catalog: this,
      now: () => new Date(this.now),
      tell: (message) => this.told.push(message),
      ...(bounds !== undefined && { bounds }),
    });
    this.#open.push(fleet);
    return fleet;
  }

  /** The routes of a fleet, without a socket, for whoever asks as often as he likes. */
  serve(fleet: Fleet): FastifyInstance {
    // A browser keeps its connections.
    const app = fastify({ forceCloseConnections: true });
    fleetRoutes(app, { fleet, gate: OPEN_GATE });
    this.#apps.push(app);
    return app;
  }

  async remove(): Promise<void> {
    for (const app of this.#apps) await app.close();
    for (const fleet of this.#open) await fleet.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A test with a fleet of its own. */
export const fleetTest = test.extend<{ folder: FleetFolder }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  folder: async ({}, use) => {
    const folder = new FleetFolder();
    await use(folder);
    await folder.remove();
  },
});
