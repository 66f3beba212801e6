import type { FastifyInstance } from 'fastify';
import type { MetricFamily } from '../../platform/metrics-text.ts';
import type { Gate } from '../fleet/gate.ts';

/** Whether hosts may report what they run, and what takes it. */
export type Reports =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'taken';
      readonly routes: (app: FastifyInstance, gate: Gate) => void;
      readonly metrics: () => Promise<readonly MetricFamily[]>;
      /** How many hosts are known. */
      readonly nodes: () => number;
    };

/** Says to a host that it may report. Index answers have it, since a host asks for the index every minute anyway. */
export const REPORTS_HEADER = { 'bin-manager-reports': '1' } as const;
