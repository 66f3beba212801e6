import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Later Nodes than the one that runs the tests, as npm packages of it: what hosts may have, and what they can do more. */
const VERSIONS = { 22: '22.23.3', 24: '24.9.0' } as const;
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/newer-nodes/', import.meta.url));
const PACKAGE = `node-linux-${process.arch}`;

export type NewerNode = keyof typeof VERSIONS;

export const NEWER_NODES = Object.keys(VERSIONS).map(Number) as readonly NewerNode[];

/** Where the executable lies. */
export function newerNode(major: NewerNode): string {
  return `${FOLDER}${VERSIONS[major]}/node_modules/${PACKAGE}/bin/node`;
}

export function hasNewerNodes(): boolean {
  return NEWER_NODES.every((major) => existsSync(newerNode(major)));
}

/** Fetches those that are missing, 60 MB each. Returns what went wrong; nobody needs them but the tests that ask for them. */
export function fetchNewerNodes(): string | undefined {
  for (const major of NEWER_NODES.filter((one) => !existsSync(newerNode(one)))) {
    const place = `${FOLDER}${VERSIONS[major]}`;
    mkdirSync(place, { recursive: true });
    process.stderr.write(`Fetching Node ${VERSIONS[major]} for the tests\n`);
    try {
      const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', place];
      execFileSync('npm', ['install', ...options, `${PACKAGE}@${VERSIONS[major]}`], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    } catch (error) {
      return `Node ${VERSIONS[major]} cannot be fetched: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}
