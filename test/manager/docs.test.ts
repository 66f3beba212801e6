import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS, FLAGS, type Flag } from '../../src/manager/commands.ts';
import { EXIT_CODES } from '../../src/manager/exit-codes.ts';
import { codeBlocks, links, table, unticked } from '../config/markdown.ts';
import { shipped, shippedPath } from '../config/shipped.ts';

const FILE = 'docs/bin-manager.md';
const page = shipped(FILE);
const rows = (head: string) => table(page, head).map((row) => row.map(unticked));

describe('docs/bin-manager.md', () => {
  it('has the commands of the program', () => {
    expect(rows('command')).toEqual(
      Object.entries(COMMANDS).map(([command, { words, meaning }]) => [[command, ...words].join(' '), meaning]),
    );
  });

  it('has the flags of the program', () => {
    const flags: readonly (readonly [string, Flag])[] = Object.entries(FLAGS);
    expect(rows('flag')).toEqual(
      flags.map(([flag, { short, placeholder, meaning }]) => {
        const long = placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`;
        return [short === undefined ? long : `-${short}, ${long}`, meaning];
      }),
    );
  });

  it('has the exit codes of the program', () => {
    expect(rows('code').map(([code, meaning]) => [Number(code), meaning])).toEqual(EXIT_CODES);
  });

  it('leads nowhere that is not there, and shows commands that a shell can read', () => {
    expect(links(page).filter((to) => !existsSync(shippedPath(join(dirname(FILE), to))))).toEqual([]);
    const blocks = codeBlocks(page, 'sh');
    expect(blocks.length).toBeGreaterThan(2);
    expect(blocks.filter((block) => spawnSync('sh', ['-n', '-c', block]).status !== 0)).toEqual([]);
  });
});
