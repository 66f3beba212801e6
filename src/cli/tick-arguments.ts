import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Invocation, type RawFlags, toInvocation } from './command-line.ts';
import { type CommandName, FLAGS, type FlagRow, isCommand, SETTING_FLAGS } from './flag-table.ts';

const ROWS: readonly FlagRow[] = [...FLAGS, ...SETTING_FLAGS];
const TAKES_NAMES: ReadonlySet<CommandName> = new Set(['run', 'plan', 'status', 'explain', 'history', 'verify']);
/** What a person types can wait for yargs, and its better words. */
const LEFT_TO_YARGS: ReadonlySet<CommandName> = new Set([
  'apply',
  'rollback',
  'hold',
  'unhold',
  'retry',
  'config',
  'manifest',
  'completion',
  'help',
]);

/**
 * Understands the command lines that cron and scripts use, without loading yargs: that would double the cost of an idle
 * tick. Everything else (help, a typo, a wrong value) is undefined, and yargs answers. A test holds both to the same
 * meaning.
 */
export function parseTickArguments(argv: readonly string[]): Invocation | undefined {
  if (argv.some(isUnusual)) return undefined;
  try {
    const line = parseSwitches(argv);
    if (line !== undefined) return line;
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: options(),
      allowPositionals: true,
      strict: true,
    });
    const [first = 'run', ...names] = positionals;
    if (first === 'explain' && names.length === 0) return undefined;
    if (!isCommand(first) || LEFT_TO_YARGS.has(first) || (!TAKES_NAMES.has(first) && names.length > 0))
      return undefined;
    const given = new Map(ROWS.map((row) => [row, [values[row.flag] ?? []].flat()]));
    return mayBe(given) ? toInvocation(first, names, rawFlags(given)) : undefined;
  } catch {
    return undefined;
  }
}

/** The lines of cron and of the timer: `run` and switches. Node's parser costs an idle tick more than the settings do. */
function parseSwitches(argv: readonly string[]): Invocation | undefined {
  const words = argv[0] === 'run' ? argv.slice(1) : argv;
  const flags = words.map((word) => ROWS.find((row) => row.type === 'boolean' && isNamed(row, word))?.flag);
  const switches = flags.filter((flag) => flag !== undefined);
  if (switches.length < words.length) return undefined;
  return toInvocation('run', [], { switches: new Set(switches), verbosity: 0, texts: {} });
}

function isNamed({ flag, short }: FlagRow, word: string): boolean {
  return word === `--${flag}` || (short !== undefined && word === `-${short}`);
}

type Given = ReadonlyMap<FlagRow, readonly (string | boolean)[]>;

/** The last value counts, as in every Unix program. */
function rawFlags(given: Given): RawFlags {
  const switches = new Set<string>();
  const texts: Record<string, string> = {};
  for (const [{ type, flag }, values] of given) {
    const last = values.at(-1);
    if (type === 'boolean' && last === true) switches.add(flag);
    if (type === 'string' && typeof last === 'string') texts[flag] = last;
  }
  const verbosity = [...given].find(([{ type }]) => type === 'count')?.[1].length ?? 0;
  return { switches, verbosity, texts };
}

/** A value that is empty or not one of the choices is a mistake, and yargs says so better. */
function mayBe(given: Given): boolean {
  return [...given].every(([{ choices }, values]) =>
    values.every((value) => value !== '' && (typeof value !== 'string' || choices?.includes(value) !== false)),
  );
}

/** Words on which the two parsers disagree: `-cFILE`, `-`, `--`, and what yargs takes for the value of a switch. */
function isUnusual(word: string): boolean {
  if (['-', '--', 'true', 'false'].includes(word)) return true;
  const letters = [...word.slice(1)];
  return (
    /^-[^-]./.test(word) &&
    !letters.every((letter) => FLAGS.some((row: FlagRow) => row.short === letter && row.type !== 'string'))
  );
}

function options(): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    ROWS.map((row) => [
      row.flag,
      {
        type: row.type === 'string' ? 'string' : 'boolean',
        multiple: true,
        ...(row.short !== undefined && { short: row.short }),
      },
    ]),
  );
}
