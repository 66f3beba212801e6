/** Every setting of a run, parsed and defaulted. Times in seconds, paths absolute. */
export interface Settings {
  readonly api: URL;
  readonly binDir: string;
  readonly manifestFile: string;
  readonly logFile: string;
  readonly stateDir: string;
  readonly lockFile: string;
  readonly stableSeconds: number;
  readonly probationSeconds: number;
  readonly splaySeconds: number;
  readonly timeoutSeconds: number;
  /** Absent: supervisor's own default. */
  readonly supervisorConf?: string;
  /** Bearer token, already read from its file where one is named. */
  readonly token?: string;
}
