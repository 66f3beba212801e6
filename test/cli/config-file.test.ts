import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/cli/config-file.ts';

/** The one value of a one-line file; undefined where the parser does not take it. */
function valueIn(line: string): string | undefined {
  const { assignments, problems } = parseConfig(line);
  return problems.length === 0 ? assignments[0]?.value : undefined;
}

describe('a config file', () => {
  it('is a list of assignments, each with the place of its value', () => {
    const text = [
      '# where things are',
      'export BIN_DIR="/usr/local/bin"',
      '',
      "  export LOG_FILE='/var/log/bin proxy.log'  # with a blank",
      'BIN_MANIFESTS=/etc/m.json',
      '\texport\tA=',
      '',
    ].join('\n');
    expect(parseConfig(text)).toEqual({
      assignments: [
        { variable: 'BIN_DIR', value: '/usr/local/bin', at: '2:16' },
        { variable: 'LOG_FILE', value: '/var/log/bin proxy.log', at: '4:19' },
        { variable: 'BIN_MANIFESTS', value: '/etc/m.json', at: '5:15' },
        { variable: 'A', value: '', at: '6:11' },
      ],
      problems: [],
    });
  });

  it.each(['', '\n\n', '#', '# a\n#b', ' \t\r\n'])('may say nothing: %j', (text) => {
    expect(parseConfig(text)).toEqual({ assignments: [], problems: [] });
  });

  it('may come from Windows, with CR LF and a byte order mark', () => {
    expect(parseConfig('\ufeffexport A="b"\r\nC=d\r\n').assignments).toEqual([
      { variable: 'A', value: 'b', at: '1:10' },
      { variable: 'C', value: 'd', at: '2:3' },
    ]);
  });

  it.each([
    ['K="a b"', 'a b'],
    ['K=\'a "b" $c\'', 'a "b" $c'],
    ['K=a\\ b', 'a b'],
    [`K="a"'b'c`, 'abc'],
    ['K="a\\"b\\\\c\\$d\\`e\\f"', 'a"b\\c$d`e\\f'],
    ['K=a#b', 'a#b'],
    ['K=a #b', 'a'],
    ['K= #b', ''],
    ['K=""', ''],
    ["K=''", ''],
    ['K=a=b', 'a=b'],
    ['K=http://h:8080/api/v1', 'http://h:8080/api/v1'],
    ['K="~/x"', '~/x'],
    ['K=a~b', 'a~b'],
    ['K=*', '*'],
    ['K=ä', 'ä'],
    ['K="a\\', undefined],
    ['K=~', undefined],
    ['K=a:~b', undefined],
    ['K="a\0b"', undefined],
  ])('%s', (line, value) => {
    expect(valueIn(line)).toBe(value);
  });
});

describe('a line that cannot be read', () => {
  it('is told with its place, and so are all the others', () => {
    const text = [
      'set -a',
      'export BIN_DIR = "/usr/local/bin"',
      'export A="$HOME/bin"',
      'export B=`hostname`',
      "export C='open",
      'export D="open',
      'export E=two words',
      'export F=a;reboot',
      'export G=~/bin',
      'export H=a\\',
      '1K=v',
      'export OK=fine',
    ].join('\n');
    const { assignments, problems } = parseConfig(text);
    expect(assignments.map(({ variable }) => variable)).toEqual(['OK']);
    expect(problems).toEqual([
      '1:1  expected a line such as export BIN_DIR="/usr/local/bin", found a line that begins with "set"',
      '2:1  expected a line such as export BIN_DIR="/usr/local/bin", found a line that begins with "export BIN_DIR"',
      '3:10  A: "$HOME/bin" would be computed by a shell; write the value out, or put it in single quotes',
      '4:10  B: `hostname` would be computed by a shell; write the value out, or put it in single quotes',
      "5:10  C: the quote ' is not closed on this line",
      '6:10  D: the quote " is not closed on this line',
      '7:10  E: expected the end of the line, found "words"; quote a value that holds blanks',
      '8:10  F: expected the end of the line, found ";reboot"; quote a value that holds blanks',
      '9:10  G: ~/bin would be computed by a shell; write the value out, or put it in single quotes',
      '10:10  H: expected the end of the line, found "\\\\"; quote a value that holds blanks',
      '11:1  expected a line such as export BIN_DIR="/usr/local/bin", found a line that begins with "1K"',
    ]);
  });

  it.each([
    'export BIN_MANAGER_TOKEN="hunter2$"x$y',
    'export BIN_MANAGER_TOKEN=`hunter2`',
    'export BIN_MANAGER_TOKEN="$hunter2"',
    'export BIN_MANAGER_TOKEN=a hunter2',
    'export BIN_MANAGER_TOKEN=a;hunter2',
    'export BIN_MANAGER_TOKEN="hunter2',
    'export BIN_MANAGER_TOKEN = hunter2',
    'export BIN_MANAGER_TOKEN hunter2',
    'export BIN_MANAGER_TOKEN: hunter2',
    'BIN_MANAGER_TOKEN =hunter2',
    'BIN-MANAGER_TOKEN=hunter2',
    'export MY_PASSWORD=$hunter2',
    'curl -H "Authorization: hunter2"',
  ])('tells no secret that stands in it (invariant 14): %s', (line) => {
    const { problems } = parseConfig(line);
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('hunter2');
  });
});

describe('what the parser takes', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bin-proxy-sh-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** What a shell makes of one file each, in one start of it: a shell a value would take minutes. */
  function bySh(lines: readonly string[]): readonly string[] {
    const files = lines.map((line, i) => {
      const file = join(directory, String(i));
      writeFileSync(file, `${line}\n`);
      return file;
    });
    const script = 'for f in "$@"; do (K=unset; . "$f"; printf "%s\\0" "$K"); done';
    const env = { PATH: process.env['PATH'], HOME: '/home/of/nobody', LC_ALL: 'C.UTF-8' };
    const output = execFileSync('sh', ['-c', script, 'sh', ...files], { env, encoding: 'utf8', maxBuffer: 1 << 26 });
    return output.split('\0').slice(0, -1);
  }

  const letters = fc.constantFrom(...' \t"\'\\$`~:#;&|<>()*?[]{}!=/-+,.@%^abzZ09_\u00a0\u000bäß€😀');
  const text = fc.string({ unit: letters, maxLength: 12 });
  const value = fc.oneof(
    text,
    text.map((inner) => `"${inner}"`),
    text.map((inner) => `'${inner}'`),
    text.map((inner) => `"${inner.replaceAll(/["\\$`]/g, '\\$&')}"`),
    fc.tuple(text, text).map(([a, b]) => `'${a}'"${b}"`),
  );
  const line = fc
    .tuple(
      fc.constantFrom('', 'export ', ' export\t', '\t'),
      value,
      fc.constantFrom('', ' ', ' # "comment', '\t#', '#x'),
    )
    .map(([before, written, after]) => `${before}K=${written}${after}`);

  it('means the same to a POSIX shell', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 50, maxLength: 50 }), (lines) => {
        const taken = lines.filter((one) => valueIn(one) !== undefined);
        fc.pre(taken.length > 0);
        expect(bySh(taken)).toEqual(taken.map(valueIn));
      }),
      { numRuns: 40 },
    );
  });

  it('is every value that is quoted as it should be', () => {
    fc.assert(
      fc.property(text, (inner) => {
        expect(valueIn(`K="${inner.replaceAll(/["\\$`]/g, '\\$&')}"`)).toBe(inner);
        expect(valueIn(`K='${inner.replaceAll("'", `'"'"'`)}'`)).toBe(inner);
      }),
    );
  });
});
