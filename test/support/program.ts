import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { has } from './components.ts';

const TRAILER_BYTES = 256;

export interface Behaviour {
  /** Milliseconds until it exits by itself; 0: never. */
  readonly life?: number;
  readonly exit?: number;
  /** Exit status of `--version`, for checks. */
  readonly check?: number;
  readonly ignoresTerm?: boolean;
}

let built: Buffer | undefined;

/** A native program of this machine; each version is a file of its own. */
export function program(version: string, behaviour: Behaviour = {}): Buffer {
  // Without a compiler the tests that would run it are skipped, but they are still read.
  built ??= has('cc') ? build() : Buffer.alloc(0);
  const { life = 0, exit = 1, check = 0, ignoresTerm = false } = behaviour;
  const text = ` LIFE=${life} EXIT=${exit} CHECK=${check} IGNORE_TERM=${ignoresTerm ? 1 : 0} VERSION=${version}`;
  return Buffer.concat([built, Buffer.from(text.padStart(TRAILER_BYTES))]);
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function build(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-cc-'));
  try {
    const output = join(directory, 'program');
    execFileSync('cc', ['-O1', '-o', output, new URL('./program.c', import.meta.url).pathname]);
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
