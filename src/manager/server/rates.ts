import type { FastifyInstance } from 'fastify';
import { networkOf } from '../../platform/address.ts';
import type { Gate } from '../fleet/gate.ts';
import { Refusal } from './trouble.ts';

export const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BEHIND_A_PROXY = { hint: 'Where many share an address because of a proxy, start the server with --trust-proxy.' };

/** How often one address may ask for what takes time or room. */
export interface Rates {
  readonly looksAMinute: number;
  readonly reportsAMinute: number;
  readonly newHostsAnHour: number;
}

type Counted = ReturnType<ReturnType<FastifyInstance['createRateLimit']>>;

/** Throws {@link Refusal} 429 with the time after which there may be more; `what` says how many of what there may be. */
export async function mustNotExceed(
  counting: Counted,
  what: (max: number) => string,
  details: { readonly hint?: string } = {},
): Promise<void> {
  const counted = await counting;
  if (counted.isAllowed || !counted.isExceeded) return;
  const headers = { 'retry-after': String(counted.ttlInSeconds) };
  throw new Refusal(429, `expected at most ${what(counted.max)}`, { ...details, headers });
}

/** Counts by address, as {@link networkOf} has it: the client's own where a trusted proxy names it. */
export function gateOf(app: FastifyInstance, rates: Rates): Gate {
  const counter = (max: number, timeWindow: number) =>
    app.createRateLimit({ max, timeWindow, keyGenerator: ({ ip }) => networkOf(ip) });
  const look = counter(rates.looksAMinute, MINUTE_MS);
  const report = counter(rates.reportsAMinute, MINUTE_MS);
  const introduce = counter(rates.newHostsAnHour, HOUR_MS);
  return {
    look: (request) =>
      mustNotExceed(look(request), (max) => `${max} questions about hosts a minute from one address`, BEHIND_A_PROXY),
    report: (request) =>
      mustNotExceed(report(request), (max) => `${max} reports a minute from one address`, BEHIND_A_PROXY),
    introduce: (request) =>
      mustNotExceed(introduce(request), (max) => `${max} new hosts an hour from one address`, BEHIND_A_PROXY),
  };
}
