/** One setting, as people are told of it. */
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
