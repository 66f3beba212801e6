import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMAND_ROWS } from '../../src/cli/command-table.ts';
import { completionFor } from '../../src/cli/completion.ts';
import { FLAGS, type FlagRow, SETTING_FLAGS } from '../../src/cli/flag-table.ts';
import { type Folder, folderTest } from '../config/shipped.ts';
import { has } from '../support/components.ts';
import { PROGRAM } from '../support/host.ts';

const MANIFEST = '{"binaries": [{"name": "agent"}, {"name": "agora"}, {"name": "judge"}]}';
/** What is typed, and what may follow; the last word is the one that is completed. */
const TYPED: readonly (readonly [line: string, candidates: readonly string[]])[] = [
  ['sta', ['status']],
  ['un', ['unhold', 'uninstall', 'unlock']],
  ['status ag', ['agent', 'agora']],
  ['rollback --force j', ['judge']],
  ['manifest re', ['remove']],
  ['completion ', ['bash', 'fish', 'names', 'zsh']],
  ['help exit', ['exit-codes']],
  ['--color a', ['always', 'auto']],
  ['rollback --t', ['--timeout', '--to', '--token-file']],
  ['history --t', ['--timeout', '--token-file']],
  ['--lim', []],
  ['hold agent --reason ', []],
];

/** A folder with a program of the name in it, whose manifest is that of the test. */
function place(folder: Folder): NodeJS.ProcessEnv {
  const script = folder.write('bin-proxy', `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(script, 0o755);
  return {
    PATH: `${folder.path}:${process.env['PATH']}`,
    HOME: folder.path,
    BIN_MANIFESTS: folder.write('manifest', MANIFEST),
    BIN_PROXY_CONFIG: folder.write('config', ''),
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
  };
}

function wordsOf(text: string): readonly string[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .sort();
}

describe('every completion', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('of %s knows every command and every flag', (shell) => {
    const text = completionFor(shell);
    const flags = [...(FLAGS as readonly FlagRow[]), ...SETTING_FLAGS].map(({ flag }) => flag);
    const words = new Set(text.split(/[^\w-]+/));
    expect(COMMAND_ROWS.filter(([name]) => !words.has(name))).toEqual([]);
    expect(flags.filter((flag) => !words.has(shell === 'fish' ? flag : `--${flag}`))).toEqual([]);
  });
});

describe.skipIf(!has('bash'))('the completion of bash', () => {
  folderTest('offers what may follow', ({ folder }) => {
    const env = place(folder);
    const asked = TYPED.map(([line]) => {
      const words = ['bin-proxy', ...line.split(' ')].map((word) => `'${word}'`).join(' ');
      return `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _bin_proxy; echo "\${COMPREPLY[*]}"`;
    });
    const script = folder.write('script', [completionFor('bash'), ...asked].join('\n'));
    const { stdout, stderr } = spawnSync('bash', ['--norc', script], { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    const lines = stdout.split('\n').slice(0, -1);
    expect(TYPED.map(([line], index) => [line, wordsOf(lines[index] ?? '')])).toEqual(TYPED);
  });
});

describe.skipIf(!has('fish'))('the completion of fish', () => {
  folderTest('offers what may follow', ({ folder }) => {
    const env = place(folder);
    writeFileSync(folder.join('bin-proxy.fish'), completionFor('fish'));
    const asked = TYPED.map(
      ([line]) => `echo "= $(complete -C 'bin-proxy ${line}' | string replace -r '\\t.*' '' | string join ' ')"`,
    );
    const script = folder.write('script', ['source bin-proxy.fish', ...asked].join('\n'));
    const { stdout, stderr } = spawnSync('fish', ['--no-config', script], { env, cwd: folder.path, encoding: 'utf8' });
    expect(stderr).toBe('');
    const lines = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace('=', ''));
    expect(TYPED.map(([line], index) => [line, wordsOf(lines[index] ?? '')])).toEqual(TYPED);
  });
});

describe.skipIf(!has('zsh'))('the completion of zsh', () => {
  /** zsh completes only for somebody who types: so one types in a terminal of zsh's own, and the completed line is run. */
  const typing = (lines: readonly string[]) => `
    zmodload zsh/zpty
    zpty terminal zsh -f -i
    zpty -w terminal "PS1=; fpath=($PWD \\$fpath); autoload -Uz compinit; compinit -D -u; unsetopt beep"
    zpty -w terminal "bin-proxy() { print -r -- \\"RAN:\\$*:\\" } ; command_not_found_handler() { true }"
    ${lines.map((line) => `zpty -w terminal $'bin-proxy ${line}\\t'`).join('\n')}
    zpty -w terminal 'print END; exit'
    while zpty -r terminal text; do print -r -- "$text"; done`;

  folderTest('completes what is typed', ({ folder }) => {
    const env = place(folder);
    folder.write('_bin-proxy', completionFor('zsh').replaceAll('$words[1] completion', 'command bin-proxy completion'));
    const unique = [
      ['sta', 'status'],
      ['status ju', 'status judge'],
      ['manifest re', 'manifest remove'],
      ['help exit', 'help exit-codes'],
      ['rollback --dry', 'rollback --dry-run'],
      ['--color al', '--color always'],
    ] as const;
    const script = folder.write('script', typing(unique.map(([typed]) => typed)));
    const said = execFileSync('zsh', ['-f', script], { env, cwd: folder.path, encoding: 'utf8', timeout: 110_000 });
    expect([...said.matchAll(/^RAN:(.*?) ?:/gm)].map(([, line]) => line)).toEqual(unique.map(([, whole]) => whole));
  });
});
