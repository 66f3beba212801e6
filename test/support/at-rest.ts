import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Host, Ran } from './host.ts';
import { untilSettled } from './settled.ts';

export const INDEX = 'GET /api/v1/index.json';
export const [v1, v2] = ['1', '2'].map((version) => Buffer.from(`#!/bin/sh\necho ${version}\n`)) as [Buffer, Buffer];

/** As cron has it: whoever wants to be told of each binary makes it look. */
export function tick(host: Host, more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return host.run(['run', '--quiet'], more);
}

/** A host that has nothing to do, and knows it. */
export async function atRest(host: Host): Promise<void> {
  host.manages({ name: 'app', service: false }, { name: 'held', service: false, hold: 'not now' });
  host.server.offersIndex();
  host.server.publish('app', v1);
  expect(await tick(host)).toEqual({ code: 0, stdout: expect.stringMatching(/^app .*updated/) as string, stderr: '' });
  await untilSettled();
  expect(await tick(host)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(existsSync(join(host.stateDir, 'standstill.jsonl'))).toBe(true);
  host.server.requests.splice(0);
}

/** A tick that has looked writes what it knows where it is missing; one that has compared does not miss it. */
export async function looks(host: Host): Promise<boolean> {
  rmSync(join(host.stateDir, 'cache.json'), { force: true });
  expect(await tick(host)).toEqual({ code: 0, stdout: '', stderr: '' });
  return existsSync(join(host.stateDir, 'cache.json'));
}
