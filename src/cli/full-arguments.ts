import yargs, { type Argv, type Options } from 'yargs';
import { RunError } from '../domain/errors.ts';
import { VERSION } from '../domain/version.ts';
import { type Invocation, toInvocation } from './command-line.ts';
import { COMMAND_ROWS, type CommandRow } from './command-table.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { type CommandName, FLAGS, type FlagRow, isCommand, SETTING_FLAGS } from './flag-table.ts';
import { SETTINGS } from './settings-table.ts';

const WIDTH = 80;
const HINT = '"bin-proxy --help" shows what there is.';
const EXIT_CODES_TOPIC = 'exit-codes';

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
  const [topic] = chosen.names;
  if (chosen.command === 'help' && topic !== EXIT_CODES_TOPIC) return parseFullArguments(helpLine(topic));
  return { kind: 'invocation', invocation: toInvocation(chosen.command, chosen.names, rawFlags(args)) };
}

/** A tick of all binaries. Names need their command, or a mistyped command would pass for one. */
function withoutCommand(words: readonly unknown[]): Chosen {
  if (words.length === 0) return { command: 'run', names: [] };
  throw new RunError('usage', `names need a command: bin-proxy run ${words.join(' ')}`, { hint: HINT });
}

/** `help run` is `run --help`. */
function helpLine(topic: string | undefined): readonly string[] {
  if (topic === undefined || isCommand(topic)) return [...(topic === undefined ? [] : [topic]), '--help'];
  throw new RunError('usage', `expected a command or ${EXIT_CODES_TOPIC} after "help", found "${topic}"`, {
    hint: HINT,
  });
}

interface Chosen {
  readonly command: CommandName;
  readonly names: readonly string[];
}

function grammar(onChosen: (command: CommandName, names: readonly string[]) => void): Argv {
  const choose = (command: CommandName, row: CommandRow) => (args: Record<string, unknown>) => {
    const words = args[wordOf(row) ?? ''] ?? [];
    onChosen(command, [args['action'] ?? [], words, args['--'] ?? []].flat() as string[]);
  };
  const parser = COMMAND_ROWS.reduce(
    (all, [name, row]) =>
      all.command(
        `${name} ${row.words}`.trimEnd(),
        row.meaning,
        (one) => withWords(hidden(one, name), row),
        choose(name, row),
      ),
    yargs(),
  )
    .options(optionsOf(FLAGS))
    .options(optionsOf(SETTING_FLAGS));
  return withManners(withTexts(parser));
}

/** The help of a command tells of no flag that belongs to others. */
function hidden(parser: Argv, command: CommandName): Argv {
  const others = (FLAGS as readonly FlagRow[]).filter(({ of }) => of !== undefined && !of.includes(command));
  return others.reduce((all, { flag }) => all.hide(flag), parser);
}

function withWords(parser: Argv, { words, actions, names }: CommandRow): Argv {
  const describe = { binaries: words.startsWith('[') ? 'only these binaries [all]' : 'which', none: '', own: '' }[
    names
  ];
  const withAction = actions === undefined ? parser : parser.positional('action', { type: 'string', choices: actions });
  const word = wordOf({ words });
  if (word === undefined) return withAction;
  return withAction.positional(word, { type: 'string', array: words.includes('..'), describe });
}

/** What the words behind a command, and behind its action, are called. */
function wordOf({ words }: Pick<CommandRow, 'words'>): string | undefined {
  return /[<[](?!action\b)(\w+)/.exec(words)?.[1];
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
