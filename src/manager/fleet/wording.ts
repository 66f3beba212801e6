import type { HostEvent } from './host.ts';
import type { HostState, Standing } from './standing.ts';

/** The words of the pages. */

export const STANDING_WORDS: Readonly<Record<Standing | 'lost', string>> = {
  current: 'current',
  behind: 'behind',
  updating: 'updating',
  held: 'kept on purpose',
  'rolled-back': 'rolled back',
  'rollback-failed': 'rollback failed',
  failed: 'failed',
  unknown: 'not compared',
  lost: 'not heard from',
};

export const STATE_WORDS: Readonly<Record<HostState, string>> = {
  ok: 'fine',
  behind: 'behind',
  updating: 'updating',
  held: 'kept on purpose',
  'rolled-back': 'rolled back',
  failed: 'failed',
  lost: 'not heard from',
};

export const EVENT_WORDS: Readonly<Record<HostEvent['what'], string>> = {
  ok: 'fine',
  proving: 'on probation',
  updating: 'update began',
  held: 'held',
  quarantined: 'in quarantine',
  'rolled-back': 'rolled back',
  'rollback-failed': 'rollback failed',
  failed: 'failed',
  missing: 'not installed',
  updated: 'updated',
  runs: 'runs other bytes',
};
