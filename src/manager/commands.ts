/** What there is to say on the command line, and what it means: the help and the documentation are made of it. */

export const STORE_VARIABLE = 'BIN_MANAGER_STORE';
export const DEFAULT_STORE = '/var/lib/bin-manager';
export const DEFAULT_LISTEN = '127.0.0.1:8080';
/** Stands for `-`. */
export const STDIN = '/dev/stdin';

export interface Flag {
  /** Absent: a switch. */
  readonly placeholder?: string;
  readonly short?: string;
  readonly meaning: string;
}

export const FLAGS = {
  store: { placeholder: 'DIR', meaning: `the release store [${STORE_VARIABLE}, else ${DEFAULT_STORE}]` },
  json: { meaning: 'one JSON document on stdout' },
  version: { placeholder: 'V', meaning: 'name of the release [time and digest]' },
  platform: { placeholder: 'P', meaning: 'linux/amd64, linux/arm64, …, or any [read from the file]' },
  channel: { placeholder: 'C', meaning: 'the channel that points at it [stable]' },
  force: { meaning: 'replace other bytes of the same version; publish what was withdrawn' },
  deltas: { placeholder: 'N', meaning: 'make deltas from so many former releases [3]; 0: none' },
  keep: { placeholder: 'N', meaning: 'how many of the newest versions stay' },
  'dry-run': { short: 'n', meaning: 'show what would be removed, and remove nothing' },
  repair: { meaning: 'make all views anew from the catalog; bytes are never invented' },
  delete: { meaning: 'also remove from DIR what the store no longer offers' },
  listen: { placeholder: 'HOST:PORT', meaning: `where to listen [${DEFAULT_LISTEN}]` },
  'token-file': { placeholder: 'F', meaning: 'who may publish, read and report: a name, rights and a token a line' },
  'tls-cert': { placeholder: 'F', meaning: 'certificate (chain) for https, PEM' },
  'tls-key': { placeholder: 'F', meaning: 'its key, PEM' },
  'max-upload': { placeholder: 'MIB', meaning: 'the largest file that is taken by upload [2048]' },
  'trust-proxy': {
    placeholder: 'A',
    meaning: 'proxies whose X-Forwarded-For is believed, with commas between [none]',
  },
  'no-reports': { meaning: 'do not ask hosts what they run, and show no fleet' },
  wait: { placeholder: 'SECONDS', meaning: 'how long to wait for another writer [300]' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

interface Command {
  readonly words: readonly string[];
  readonly meaning: string;
  readonly flags: readonly FlagName[];
}

export const COMMANDS = {
  publish: {
    words: ['<name>', '<file>'],
    meaning: 'take a release in and offer it; FILE may be "-" for stdin',
    flags: ['version', 'platform', 'channel', 'force', 'deltas', 'wait'],
  },
  list: { words: [], meaning: 'all binaries, and what their channels point at', flags: [] },
  show: { words: ['<name>'], meaning: 'all that is known of one binary', flags: [] },
  promote: {
    words: ['<name>', '<version>'],
    meaning: 'let a channel point at a version, or at what another channel points at',
    flags: ['channel', 'wait'],
  },
  withdraw: {
    words: ['<name>', '[version]'],
    meaning: 'offer a version no longer [the current one]; channels go back',
    flags: ['channel', 'wait'],
  },
  prune: {
    words: ['[name]'],
    meaning: 'remove old versions, and bytes that nothing needs',
    flags: ['keep', 'dry-run', 'wait'],
  },
  verify: {
    words: [],
    meaning: 'hash all bytes, and compare what is offered with the catalog',
    flags: ['repair', 'wait'],
  },
  export: {
    words: ['<dir>'],
    meaning: 'copy what is offered as plain files, for object storage',
    flags: ['delete', 'wait'],
  },
  serve: {
    words: [],
    meaning: 'answer hosts over HTTP, and take uploads',
    flags: ['listen', 'token-file', 'tls-cert', 'tls-key', 'max-upload', 'deltas', 'trust-proxy', 'no-reports'],
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;
