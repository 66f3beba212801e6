import type { FailureReason, Fault } from './errors.ts';
import type { HealthSeen } from './health.ts';
import type { BinaryName } from './names.ts';

/** What a process left behind, as far as its service manager keeps it. Each list is bounded, oldest line first. */
export interface LastWords {
  readonly process: string;
  /** What the service manager itself noted of it: starts, exit statuses, signals. */
  readonly events: readonly string[];
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** A process in a state, from this moment of the watch on. */
export interface SeenState {
  /** Since the watch began. */
  readonly seconds: number;
  readonly process: string;
  readonly state: string;
  readonly pid?: number;
  readonly detail: string;
}

/** How the host itself was: what a program needs and does not find is often the host's. */
export interface HostFacts {
  readonly uptimeSeconds: number;
  /** Average over one minute, and what it is measured by. */
  readonly load: number;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly disks: readonly { readonly path: string; readonly bytes: number; readonly availableBytes: number }[];
}

/**
 * What is needed to understand a rollback once its causes are gone: one file for each binary and transaction. It holds
 * what the program printed, so it is readable by root alone and goes into no report.
 */
export interface Evidence {
  readonly schema: 'bin-proxy/evidence/1';
  readonly name: BinaryName;
  readonly run: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly version: string;
  readonly release: string;
  /** What was installed before; absent: nothing. */
  readonly from?: string;
  readonly reason: FailureReason;
  readonly fault: Fault;
  readonly detail: string;
  /** Releases of other binaries that went live together with this one. */
  readonly companions: Readonly<Record<string, string>>;
  readonly timings: {
    /** RFC 3339 UTC: when the transaction began. */
    readonly begun: string;
    readonly rollbackSeconds: number;
  };
  readonly states: readonly SeenState[];
  readonly processes: readonly LastWords[];
  /** The last answers of health checks; absent: nothing was asked. */
  readonly health?: readonly HealthSeen[];
  readonly host: HostFacts;
  /** The rejected files, kept without permission to execute them. */
  readonly rejected: readonly string[];
}
