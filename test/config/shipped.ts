import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';

/** A file that is shipped, by its path in the package. */
export function shippedPath(path: string): string {
  return new URL(`../../${path}`, import.meta.url).pathname;
}

export function shipped(path: string): string {
  return readFileSync(shippedPath(path), 'utf8');
}

/** A folder for one test, with the shipped files in it as an operator would adapt them. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'bin-proxy-config-'));

  join(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.join(name), text, { mode: 0o644 });
    return this.join(name);
  }

  read(name: string): string {
    return readFileSync(this.join(name), 'utf8');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const folderTest = test.extend<{ folder: Folder }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  folder: async ({}, use) => {
    const folder = new Folder();
    await use(folder);
    folder.remove();
  },
});
