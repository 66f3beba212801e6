import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../src/cli/command-line.ts';
import { FLAGS, type FlagRow, SETTING_FLAGS } from '../../src/cli/flag-table.ts';
import { parseFullArguments } from '../../src/cli/full-arguments.ts';
import { parseTickArguments } from '../../src/cli/tick-arguments.ts';

const PLAIN: Invocation = {
  command: 'run',
  names: [],
  force: 'no',
  output: 'text',
  volume: 'normal',
  color: 'auto',
  wishes: {},
  settings: {},
};
const DRY = { 'dry-run': 'yes' };
const ROWS: readonly FlagRow[] = [...FLAGS, ...SETTING_FLAGS];

/** What yargs makes of a command line; undefined for everything that is not something to do. */
async function fully(argv: readonly string[]): Promise<Invocation | undefined> {
  try {
    const parsed = await parseFullArguments(argv);
    return parsed.kind === 'invocation' ? parsed.invocation : undefined;
  } catch {
    return undefined;
  }
}

describe('the command lines of cron and scripts', () => {
  it.each<[string, Partial<Invocation>]>([
    ['', {}],
    ['run', {}],
    ['--quiet', { volume: 'quiet' }],
    ['-q', { volume: 'quiet' }],
    ['run --quiet --config /etc/bin-proxy/config', { volume: 'quiet', settings: { config: '/etc/bin-proxy/config' } }],
    ['-c /x', { settings: { config: '/x' } }],
    ['plan', { command: 'plan' }],
    ['--dry-run', { command: 'plan', wishes: DRY }],
    ['-n', { command: 'plan', wishes: DRY }],
    ['run -n app', { command: 'plan', names: ['app'], wishes: DRY }],
    ['run app other', { names: ['app', 'other'] }],
    ['run --force app', { force: 'yes', names: ['app'] }],
    ['run app --json', { output: 'json', names: ['app'] }],
    ['-v', { volume: 'verbose' }],
    ['-vv', { volume: 'debug' }],
    ['-v --verbose -v', { volume: 'debug' }],
    ['-qv', { volume: 'quiet' }],
    ['--color=never', { color: 'never' }],
    ['--color always', { color: 'always' }],
    ['--color auto', {}],
    ['--api http://h:8080/x --stable 3', { settings: { api: 'http://h:8080/x', stable: '3' } }],
    ['--stable=3 --stable=4', { settings: { stable: '4' } }],
    ['unlock', { command: 'unlock' }],
    ['unlock --force', { command: 'unlock', force: 'yes' }],
    ['demo', { command: 'demo' }],
  ])('mean the same to both parsers: "%s"', async (line, meant) => {
    const argv = line.split(' ').filter((word) => word !== '');
    expect(parseTickArguments(argv)).toEqual({ ...PLAIN, ...meant });
    expect(await fully(argv)).toEqual({ ...PLAIN, ...meant });
  });

  it.each([
    '--help',
    '-h',
    '--version',
    '-V',
    'run --help',
    'help',
    'version',
    '--hepl',
    '--no-json',
    '--json=no',
    'runn',
    'unlock app',
    '--color=blue',
    '--stable',
    '--api=',
  ])('that are anything else are left to yargs: "%s"', (line) => {
    expect(parseTickArguments(line.split(' '))).toBeUndefined();
  });
});

describe('a flag of other commands', () => {
  it.each(['apply plan.json', 'status', 'hold app', 'uninstall'])(
    'is refused, not passed over: %s --force',
    async (line) => {
      const [command, ...names] = line.split(' ');
      const expected = `--force belongs to "bin-proxy run", "plan", "explain", "rollback", "unlock", "install", found with "${command}"`;
      const asked = parseFullArguments([command ?? '', ...names, '--force']);
      await expect(asked).rejects.toMatchObject({ code: 'usage', message: expected });
    },
  );
});

describe('a value that is glued to its letter', () => {
  it('is left to yargs, which reads it as other programs do where it does not look like more letters', async () => {
    expect(parseTickArguments(['-c/etc/x'])).toBeUndefined();
    expect(await fully(['-c/etc/x'])).toMatchObject({ settings: { config: '/etc/x' } });
    expect(await fully(['-cetc'])).toBeUndefined();
  });
});

describe('several names', () => {
  it('are all taken, also where yargs has to answer', async () => {
    expect(await fully(['run', 'app', '-c/etc/x', 'other'])).toMatchObject({ names: ['app', 'other'] });
    expect(await fully(['plan', 'a', 'b', 'c'])).toMatchObject({ names: ['a', 'b', 'c'] });
  });

  it.each([['-'], ['run', '-'], ['run', 'app', '-']])(
    'are never none where something was meant: %s %s',
    async (...argv) => {
      expect(parseTickArguments(argv)).toBeUndefined();
      await expect(parseFullArguments(argv)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it.each([
    [['run', '--', 'app'], ['app']],
    [
      ['run', 'app', '--', '-v', 'run'],
      ['app', '-v', 'run'],
    ],
    [['--quiet', 'run', '--', '--force'], ['--force']],
  ])('are names behind "--", whatever they look like: %j', async (argv, names) => {
    expect(parseTickArguments(argv)).toBeUndefined();
    expect(await fully(argv)).toMatchObject({ command: 'run', force: 'no', names });
  });

  it.each([[['app']], [['--', 'app']], [['--quiet', '--', '--force']]])('need a command: %j', async (argv) => {
    expect(parseTickArguments(argv)).toBeUndefined();
    await expect(parseFullArguments(argv)).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('any command line', () => {
  const values = fc.constantFrom(
    'x',
    '/etc/x',
    '',
    '3',
    '0',
    '-1',
    '-',
    '--',
    '-q',
    '--json',
    'run',
    'true',
    'false',
    'always',
    'auto',
    'a=b',
    '=',
    ' ',
    'ä',
    '1e3',
    '0x10',
    '__proto__',
  );
  const words = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'run',
        'plan',
        'unlock',
        'demo',
        'app',
        'other',
        'names',
        'x',
        '1',
        '0x1',
        '1.50',
        'a.b',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '--',
        '-',
        '',
        '-x',
        '--nope',
        '--no-force',
        '--dryRun',
        '--help',
        '--version',
        '---',
        '--=',
        '-=',
        '--names',
        '--_',
        '--$0',
        '--__proto__',
        '--constructor',
      ),
    },
  );
  const row = fc.constantFrom(...ROWS);
  const flags = row.chain(({ flag, short, type }) => {
    const long = fc.constant([`--${flag}`]);
    const dashed = fc.constant(short === undefined ? [`--${flag}`] : [`-${short}`]);
    const valued = values.chain((value) =>
      fc.constantFrom(
        [`--${flag}=${value}`],
        [`--${flag}`, value],
        [`-${short ?? flag}${value}`],
        [`-${short ?? flag}`, value],
        [`-${short ?? flag}=${value}`],
      ),
    );
    return fc.oneof(
      { weight: type === 'string' ? 1 : 4, arbitrary: fc.oneof(long, dashed) },
      { weight: 3, arbitrary: valued },
    );
  });
  const cluster = fc
    .array(fc.constantFrom('n', 'q', 'v', 'c', 'x'), { minLength: 1, maxLength: 4 })
    .map((letters) => [`-${letters.join('')}`]);
  const argv = fc
    .array(fc.oneof({ weight: 3, arbitrary: flags }, { weight: 3, arbitrary: words.map((word) => [word]) }, cluster), {
      maxLength: 5,
    })
    .map((parts) => parts.flat());

  it('is left to yargs, or means exactly what yargs says', async () => {
    await fc.assert(
      fc.asyncProperty(argv, async (list) => {
        const light = parseTickArguments(list);
        if (light !== undefined) expect(await fully(list)).toEqual(light);
      }),
      { numRuns: 2_000 },
    );
  });
});
