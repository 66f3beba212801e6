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
  /** PEM certificates that are believed in addition to Node's own. */
  readonly caFile?: string;
  /** Absent: every server is asked directly. */
  readonly proxies?: Proxies;
  /** Bytes a second that a download must reach on the average of a minute; 0: no minimum. */
  readonly minRate: number;
  readonly report: Reporting;
  /** Where node_exporter's textfile collector reads; absent: nowhere. */
  readonly metricsFile?: string;
  /** Whom a run tells that it begins and how it ends; a secret. Absent: nobody. */
  readonly pingUrl?: URL;
  /** The most services that one run changes; absent: no bound. */
  readonly maxChanges?: number;
  /** Bearer token, already read from its file where one is named. */
  readonly token?: string;
}

/** Whether the release server is told what this host runs; `auto`: where it says that it wants to know. */
export type Reporting = 'auto' | 'on' | 'off';

/** Through which proxies servers are asked. Their addresses may hold a password, and stand in no message (invariant 14). */
export interface Proxies {
  /** For http: addresses. */
  readonly http?: URL;
  /** For https: addresses. */
  readonly https?: URL;
  /** The words of `no_proxy`: what is asked directly. */
  readonly none: readonly string[];
}
