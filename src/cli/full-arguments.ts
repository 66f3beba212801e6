import yargs, { type Argv, type Options } from 'yargs';
import { RunError } from '../domain/errors.ts';
import { VERSION } from '../domain/version.ts';
import { type CommandName, FLAGS, type FlagRow, type Invocation, SETTING_FLAGS, toInvocation } from './command-line.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { SETTINGS } from './settings-table.ts';

const WIDTH = 80;
const HINT = '"bin-proxy --help" shows what there is.';

/** What yargs made of a command line: something to do, or a text that answers it. */
export type Parsed =
  | { readonly kind: 'invocation'; readonly invocation: Invocation }
  | { readonly kind: 'text'; readonly text: string };

/** The whole command line: help, version, did-you-mean, every check. Throws {@link RunError} `usage`. */
export async function parseFullArguments(argv: readonly string[]): Promise<Parsed> {
  // yargs drops it without a word, and a run of one binary would be a run of all.
  if (argv.includes('-')) throw new RunError('usage', 'a lone "-" means nothing here', { hint: HINT });
  let chosen: Chosen | undefined;
  const parser = grammar((command, names) => {
    chosen = { command, names };
  });
  let text = '';
  const args = await parser.parseAsync([...argv], {}, (_error, _args, output) => {
    text = output;
  });
  if (text !== '') return { kind: 'text', text };
  chosen ??= withoutCommand([args._, args['--'] ?? []].flat());
  return { kind: 'invocation', invocation: toInvocation(chosen.command, chosen.names, rawFlags(args)) };
}

/** A tick of all binaries. Names need their command, or a mistyped command would pass for one. */
function withoutCommand(words: readonly unknown[]): Chosen {
  if (words.length === 0) return { command: 'run', names: [] };
  throw new RunError('usage', `names need a command: bin-proxy run ${words.join(' ')}`, { hint: HINT });
}

interface Chosen {
  readonly command: CommandName;
  readonly names: readonly string[];
}

function grammar(onChosen: (command: CommandName, names: readonly string[]) => void): Argv {
  const choose = (command: CommandName) => (args: Record<string, unknown>) => {
    onChosen(command, [args['names'] ?? [], args['--'] ?? []].flat() as string[]);
  };
  const names = (parser: Argv) =>
    parser.positional('names', { type: 'string', array: true, describe: 'only these binaries [all]' });
  const one = (parser: Argv) => parser.positional('names', { type: 'string', describe: 'which binary' });
  const given = (parser: Argv) =>
    parser.positional('names', { type: 'string', array: true, describe: 'which binaries' });
  const parser = yargs()
    .command('run [names..]', 'one tick, also without a command: check, verify, replace, prove', names, choose('run'))
    .command('plan [names..]', 'what run would do, and why; changes nothing', names, choose('plan'))
    .command('status [names..]', 'what is installed, how its service does, and what needs you', names, choose('status'))
    .command('explain <names..>', 'why a binary is or is not updated, and what to do', given, choose('explain'))
    .command('history [names..]', 'what changed when, from what to what, and who asked', names, choose('history'))
    .command('verify [names..]', 'hashes what is installed and every backup; 100: differs', names, choose('verify'))
    .command('rollback <names>', 'back to a version that is kept here; needs no server', one, choose('rollback'))
    .command('hold <names..>', 'leave these binaries alone', given, choose('hold'))
    .command('unhold <names..>', 'no longer leave them alone', given, choose('unhold'))
    .command('retry <names..>', 'lift what is held against the release that is offered', given, choose('retry'))
    .command('unlock', 'who holds the lock; with --force asks the holder to end', {}, choose('unlock'))
    .command('demo', 'an update, a bad release and its rollback in a temporary folder', {}, choose('demo'))
    .options(optionsOf(FLAGS))
    .options(optionsOf(SETTING_FLAGS));
  return withManners(withTexts(parser));
}

function withTexts(parser: Argv): Argv {
  return parser
    .scriptName('bin-proxy')
    .locale('en')
    .usage(
      '$0 [COMMAND [NAME..]] [flags]\n\nKeeps the programs of this host at the versions their release server names.',
    )
    .group(
      SETTING_FLAGS.map(({ flag }) => flag),
      'Settings (flag > environment > config file > default):',
    )
    .example('$0 plan', 'see what would change, and why')
    .example('sudo $0 run manager', 'update one binary now')
    .epilogue(epilogue())
    .help('help', 'this text')
    .alias('help', 'h')
    .version('version', 'the version', versionText())
    .alias('version', 'V')
    .wrap(WIDTH);
}

/** No value turns into a number, no mistake is guessed away, and nothing but an error leaves here. */
function withManners(parser: Argv): Argv {
  return parser
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
      'camel-case-expansion': false,
      // Without it yargs forgets what stands behind "--", and a run of one binary would be a run of all.
      'populate--': true,
    })
    .strict()
    .strictCommands()
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error) => {
      const text = message ?? error.message;
      throw new RunError('usage', text.replace(/^Did you mean/, 'unknown command; did you mean'), { hint: HINT });
    });
}

function versionText(): string {
  return `bin-proxy ${VERSION} (node ${process.versions.node}, ${process.platform}-${process.arch})`;
}

function rawFlags(args: Readonly<Record<string, unknown>>) {
  const rows: readonly FlagRow[] = [...FLAGS, ...SETTING_FLAGS];
  // A flag given twice is a list; "duplicate-arguments-array" would take the last of each, and of the names as well.
  const last = (flag: string) => [args[flag]].flat().at(-1);
  const switches = new Set(
    rows.filter(({ type, flag }) => type === 'boolean' && last(flag) === true).map(({ flag }) => flag),
  );
  const texts: Record<string, string> = {};
  for (const { type, flag } of rows) {
    const value = last(flag);
    if (type !== 'string' || value === undefined) continue;
    if (value === '') throw new RunError('usage', `--${flag} needs a value`);
    if (typeof value === 'string') texts[flag] = value;
  }
  return { switches, verbosity: Number(args['verbose'] ?? 0), texts };
}

function optionsOf(rows: readonly FlagRow[]): Record<string, Options> {
  return Object.fromEntries(
    rows.map((row) => [
      row.flag,
      {
        describe: row.meaning,
        ...(row.short !== undefined && { alias: row.short }),
        ...(row.choices !== undefined && { choices: row.choices }),
        ...(row.type === 'count' ? { count: true } : { type: row.type }),
        ...(row.type === 'string' && { requiresArg: true }),
      },
    ]),
  );
}

function epilogue(): string {
  const settings = SETTINGS.map(({ variable, fallback }) => `  ${variable.padEnd(27)}${fallback ?? '-'}`);
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return ['Variables and defaults:', ...settings, '', 'Exit codes:', ...codes].join('\n');
}
