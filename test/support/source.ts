import { endianness } from 'node:os';
import { linuxPlatform } from '../../src/domain/platform.ts';
import { Http } from '../../src/platform/http.ts';
import type { HttpWay } from '../../src/platform/http-way.ts';
import { BinManagerSource } from '../../src/sources/bin-manager.ts';
import type { SourceMemory } from '../../src/sources/source.ts';
import { straightWay } from './ways.ts';

/** What this machine is called in an index. */
export const HERE = linuxPlatform(process.arch, endianness);

/** Keeps what a source wants to know again as a file would: as JSON. */
export class Memory implements SourceMemory {
  /** How often something new was to be written. */
  writes = 0;
  #json: string | undefined;

  constructor(value?: unknown) {
    this.#json = JSON.stringify(value);
  }

  recall(): unknown {
    return this.#json === undefined ? undefined : JSON.parse(this.#json);
  }

  keep(value: unknown): void {
    const json = JSON.stringify(value) as string | undefined;
    if (json === this.#json) return;
    this.#json = json;
    this.writes += 1;
  }
}

export interface SourceChoice {
  readonly memory?: Memory;
  readonly token?: string;
  readonly platform?: string;
  readonly now?: Date;
  readonly way?: HttpWay;
}

/** A source as the program makes it, with a memory that a test can look into. */
export function binManagerAt(api: string, choice: SourceChoice = {}): BinManagerSource {
  const { memory = new Memory(), token, platform = HERE, now = new Date(), way = straightWay() } = choice;
  const bearer = token === undefined ? {} : { bearer: { origin: new URL(api).origin, token } };
  const http = new Http({ userAgent: 'bin-proxy/test', way, ...bearer });
  return new BinManagerSource({ api: new URL(api), platform, memory, now: () => now }, http);
}

/** A memory that knows since a moment ago that the server has no index. */
export function knowsNoIndex(api: string): Memory {
  const index = new URL(`${api.replace(/\/+$/, '')}/index.json`).href;
  return new Memory({ index, platform: HERE, noneSince: new Date(Date.now() - 1_000).toISOString() });
}
