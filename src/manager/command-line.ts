import yargs, { type Argv, type Options } from 'yargs';
import type { BinaryName, VersionName } from '../domain/names.ts';
import type { Platform } from '../domain/platform.ts';
import { VERSION } from '../domain/version.ts';
import { TrustedProxies } from '../platform/proxy-trust.ts';
import {
  COMMANDS,
  type CommandName,
  DEFAULT_LISTEN,
  DEFAULT_STORE,
  FLAGS,
  type Flag,
  type FlagName,
  STDIN,
  STORE_VARIABLE,
} from './commands.ts';
import { ManagerError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import { wordReader } from './word-reader.ts';

const WIDTH = 80;
const HINT = '"bin-manager --help" shows what there is.';
const DEFAULT_WAIT_SECONDS = 300;
const DEFAULT_DELTAS = 3;
const read = wordReader(usage);

/** What was asked for on the command line, every value checked. */
export interface Invocation {
  readonly command: CommandName;
  readonly store: string;
  readonly name?: BinaryName;
  /** FILE or DIR. */
  readonly path?: string;
  /** VERSION, or `--version`. */
  readonly version?: VersionName;
  readonly channel?: VersionName;
  readonly platform?: Platform;
  readonly deltas: number;
  readonly keep?: number;
  readonly listen: ListenAddress;
  readonly tokenFile?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly maxUploadMib?: number;
  readonly proxies?: TrustedProxies;
  readonly waitSeconds: number;
  readonly output: 'text' | 'json';
  readonly switches: ReadonlySet<FlagName>;
}

export type Parsed =
  | { readonly kind: 'invocation'; readonly invocation: Invocation }
  | { readonly kind: 'text'; readonly text: string };

/** Throws {@link ManagerError} `usage`. */
export async function parseArguments(argv: readonly string[]): Promise<Parsed> {
  // "--version" names a version once there is a command.
  if (argv[0] === '--version' || argv[0] === '-V') return { kind: 'text', text: versionText() };
  let command: CommandName | undefined;
  const parser = grammar((chosen) => {
    command = chosen;
  });
  let text = '';
  // yargs drops a lone "-" without a word.
  const words = argv.map((word) => (word === '-' ? STDIN : word));
  const args = await parser.parseAsync(words, {}, (_error, _args, output) => {
    text = output;
  });
  if (text !== '') return { kind: 'text', text };
  if (command === undefined) throw usage('expected a command');
  return { kind: 'invocation', invocation: toInvocation(command, args) };
}

function toInvocation(command: CommandName, args: Readonly<Record<string, unknown>>): Invocation {
  // A flag given twice is a list; the last one counts, as in every Unix program.
  const last = (key: string) => [args[key]].flat().at(-1);
  const text = (key: string) => {
    const value = last(key);
    if (value === '') throw usage(`${key === 'name' ? 'NAME' : `--${key}`} needs a value`);
    return typeof value === 'string' ? value : undefined;
  };
  const flags = Object.keys(FLAGS) as FlagName[];
  return {
    command,
    store: text('store') ?? (process.env[STORE_VARIABLE] || DEFAULT_STORE),
    ...defined({
      name: read.name(text('name')),
      path: text('file') ?? text('dir'),
      version: read.version(text('version')),
      channel: read.channel(text('channel')),
      platform: read.platform(text('platform')),
      keep: whole('keep', text('keep'), 1),
      tokenFile: text('token-file'),
      tls: pairOf(text('tls-cert'), text('tls-key')),
      proxies: proxiesOf(text('trust-proxy')),
      maxUploadMib: whole('max-upload', text('max-upload'), 1),
    }),
    deltas: whole('deltas', text('deltas'), 0) ?? DEFAULT_DELTAS,
    listen: addressOf(text('listen') ?? DEFAULT_LISTEN),
    waitSeconds: whole('wait', text('wait'), 0) ?? DEFAULT_WAIT_SECONDS,
    output: last('json') === true ? 'json' : 'text',
    switches: new Set(flags.filter((flag) => last(flag) === true)),
  };
}

function whole(flag: FlagName, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
  if (number >= least) return number;
  throw usage(`--${flag}: expected a whole number from ${least}, found ${JSON.stringify(value)}`);
}

function addressOf(value: string): ListenAddress {
  const address = listenAddress(value);
  if (address !== undefined) return address;
  throw usage(`--listen: expected HOST:PORT such as "${DEFAULT_LISTEN}", found ${JSON.stringify(value)}`);
}

function proxiesOf(value: string | undefined): TrustedProxies | undefined {
  if (value === undefined) return undefined;
  const proxies = TrustedProxies.read(value);
  if (proxies !== undefined) return proxies;
  throw usage(`--trust-proxy: expected addresses such as "127.0.0.1,10.0.0.0/8", found ${JSON.stringify(value)}`);
}

function pairOf(cert: string | undefined, key: string | undefined): Invocation['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw usage('--tls-cert and --tls-key: expected both, or none');
  return { cert, key };
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function grammar(choose: (command: CommandName) => void): Argv {
  let parser = yargs();
  let begun: CommandName | undefined;
  for (const [command, { words, meaning, flags }] of Object.entries(COMMANDS)) {
    const build = (one: Argv) => {
      begun = command as CommandName;
      return words.reduce(
        (built, word) => built.positional(word.replaceAll(/[<>[\]]/g, ''), { type: 'string' }),
        one.options(optionsOf(flags)),
      );
    };
    const grammarOf = [command, ...words].join(' ');
    parser = parser.command(grammarOf, meaning, build, () => choose(command as CommandName));
  }
  return withManners(withTexts(parser.options(optionsOf(['store', 'json']))), (message) =>
    begun !== undefined && message.startsWith('Not enough non-option arguments') ? expectedWords(begun) : message,
  );
}

/** `expected NAME and FILE`. */
function expectedWords(command: CommandName): string {
  const needed = COMMANDS[command].words.filter((word) => word.startsWith('<'));
  return `expected ${needed.map((word) => word.slice(1, -1).toUpperCase()).join(' and ')}`;
}

function optionsOf(flags: readonly FlagName[]): Record<string, Options> {
  return Object.fromEntries(flags.map((flag) => [flag, optionOf(FLAGS[flag])]));
}

function optionOf({ placeholder, meaning, short }: Flag): Options {
  const alias = short === undefined ? {} : { alias: short };
  return placeholder === undefined
    ? { type: 'boolean', describe: meaning, ...alias }
    : { type: 'string', requiresArg: true, describe: `${placeholder}: ${meaning}`, ...alias };
}

function withTexts(parser: Argv): Argv {
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return parser
    .scriptName('bin-manager')
    .locale('en')
    .usage(
      '$0 COMMAND [flags]\n\nPublishes releases for bin-proxy: plain files that any web server can serve, this one too.',
    )
    .example('$0 publish manager build/manager --version 1.4.2', 'hosts get it with their next tick')
    .example('$0 withdraw manager', 'hosts go back to the version before')
    .example('$0 serve --listen :8080', 'hosts ask this machine')
    .epilogue(['Exit codes:', ...codes, '', '"bin-manager --version" shows the version.'].join('\n'))
    .help('help', 'this text')
    .alias('help', 'h')
    .version(false)
    .wrap(WIDTH);
}

/** No value turns into a number, no mistake is guessed away, and nothing but an error leaves here. */
function withManners(parser: Argv, reworded: (message: string) => string): Argv {
  return parser
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
      'camel-case-expansion': false,
    })
    .demandCommand(1, 1, 'expected a command', 'expected one command')
    .strict()
    .strictCommands()
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof ManagerError) throw error;
      const text = reworded(message ?? error.message);
      throw usage(text.replace(/^Did you mean/, 'unknown command; did you mean').replaceAll(STDIN, '-'));
    });
}

function versionText(): string {
  return `bin-manager ${VERSION} (node ${process.versions.node}, ${process.platform}-${process.arch})`;
}

function usage(message: string): ManagerError {
  return new ManagerError('usage', message, { hint: HINT });
}
