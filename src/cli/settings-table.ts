/** Every setting: its variable, flag, default and meaning. `--help`, the README and the parser all follow this table. */
export interface SettingRow {
  readonly key: string;
  readonly variable: string;
  /** Another spelling of the variable, which counts where the first one is not set. */
  readonly alias?: string;
  /** Empty: none, because the value may hold a secret, and a command line can be read by everybody. */
  readonly flag: string;
  readonly placeholder: string;
  readonly fallback: string | undefined;
  readonly meaning: string;
  /** How `config show` tells the value: `never`, or as an address without what may be a password in it (invariant 14). */
  readonly secret?: 'never' | 'address';
}

export const SETTINGS = [
  {
    key: 'api',
    variable: 'BIN_MANAGER_API',
    flag: 'api',
    placeholder: 'URL',
    fallback: 'http://localhost:8080/api/v1',
    meaning: 'base URL of the release server',
    secret: 'address',
  },
  {
    key: 'binDir',
    variable: 'BIN_DIR',
    flag: 'bin-dir',
    placeholder: 'DIR',
    fallback: '/usr/local/bin',
    meaning: 'where binaries live',
  },
  {
    key: 'manifestFile',
    variable: 'BIN_MANIFESTS',
    flag: 'manifest',
    placeholder: 'FILE',
    fallback: '/etc/bin-proxy/bin-manifests.json',
    meaning: 'what this host should run',
  },
  {
    key: 'logFile',
    variable: 'LOG_FILE',
    flag: 'log-file',
    placeholder: 'FILE',
    fallback: '/var/log/bin-proxy.log',
    meaning: 'one line an event',
  },
  {
    key: 'stateDir',
    variable: 'BIN_PROXY_STATE_DIR',
    flag: 'state-dir',
    placeholder: 'DIR',
    fallback: '/var/lib/bin-proxy',
    meaning: 'records, journal, history',
  },
  {
    key: 'lockFile',
    variable: 'BIN_PROXY_LOCK_FILE',
    flag: 'lock-file',
    placeholder: 'FILE',
    fallback: '/run/bin-proxy/lock',
    meaning: 'one run acts at a time',
  },
  {
    key: 'stableSeconds',
    variable: 'BIN_PROXY_STABLE_SECONDS',
    flag: 'stable',
    placeholder: 'SECONDS',
    fallback: '10',
    meaning: 'how long a restarted service must stay up to be proven',
  },
  {
    key: 'probationSeconds',
    variable: 'BIN_PROXY_PROBATION_SECONDS',
    flag: 'probation',
    placeholder: 'SECONDS',
    fallback: '600',
    meaning: 'how long later ticks watch a proven release; 0: not at all',
  },
  {
    key: 'splaySeconds',
    variable: 'BIN_PROXY_SPLAY_SECONDS',
    flag: 'splay',
    placeholder: 'SECONDS',
    fallback: '0',
    meaning: "wait this host's share of so many seconds first",
  },
  {
    key: 'timeoutSeconds',
    variable: 'BIN_PROXY_TIMEOUT_SECONDS',
    flag: 'timeout',
    placeholder: 'SECONDS',
    fallback: '300',
    meaning: 'limit for one whole download',
  },
  {
    key: 'minRate',
    variable: 'BIN_PROXY_MIN_RATE',
    flag: 'min-rate',
    placeholder: 'BYTES',
    fallback: '1024',
    meaning: 'give a download up that is slower a second, over a minute; 0: never',
  },
  {
    key: 'maxChanges',
    variable: 'BIN_PROXY_MAX_CHANGES',
    flag: 'max-changes',
    placeholder: 'N',
    fallback: undefined,
    meaning: 'change at most so many services in one run',
  },
  {
    key: 'report',
    variable: 'BIN_PROXY_REPORT',
    flag: 'report',
    placeholder: 'WHEN',
    fallback: 'auto',
    meaning: 'tell the server what this host runs: on, off, or auto: if it asks',
  },
  {
    key: 'supervisorConf',
    variable: 'BIN_PROXY_SUPERVISOR_CONF',
    flag: 'supervisor-conf',
    placeholder: 'FILE',
    fallback: undefined,
    meaning: 'passed as supervisorctl -c',
  },
  {
    key: 'token',
    variable: 'BIN_MANAGER_TOKEN',
    flag: '',
    placeholder: 'TOKEN',
    fallback: undefined,
    meaning: 'bearer token, sent to the API only',
    secret: 'never',
  },
  {
    key: 'tokenFile',
    variable: 'BIN_MANAGER_TOKEN_FILE',
    flag: 'token-file',
    placeholder: 'FILE',
    fallback: undefined,
    meaning: 'file that holds the token',
  },
  {
    key: 'caFile',
    variable: 'BIN_PROXY_CA_FILE',
    flag: 'ca-file',
    placeholder: 'FILE',
    fallback: undefined,
    meaning: "PEM certificates to believe beside Node's own",
  },
  {
    key: 'httpsProxy',
    variable: 'https_proxy',
    alias: 'HTTPS_PROXY',
    flag: '',
    placeholder: '',
    fallback: undefined,
    meaning: 'proxy for https: addresses',
    secret: 'address',
  },
  {
    key: 'httpProxy',
    variable: 'http_proxy',
    alias: 'HTTP_PROXY',
    flag: '',
    placeholder: '',
    fallback: undefined,
    meaning: 'proxy for http: addresses',
    secret: 'address',
  },
  {
    key: 'allProxy',
    variable: 'all_proxy',
    alias: 'ALL_PROXY',
    flag: '',
    placeholder: '',
    fallback: undefined,
    meaning: 'proxy for both, where they have none of their own',
    secret: 'address',
  },
  {
    key: 'noProxy',
    variable: 'no_proxy',
    alias: 'NO_PROXY',
    flag: '',
    placeholder: '',
    fallback: undefined,
    meaning: 'hosts, domains and networks that are asked directly',
  },
] as const satisfies readonly SettingRow[];

export type SettingKey = (typeof SETTINGS)[number]['key'];

export const CONFIG_VARIABLE = 'BIN_PROXY_CONFIG';
export const DEFAULT_CONFIG = '/etc/bin-proxy/config';
