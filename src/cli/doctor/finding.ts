import { errorText, RunError, UpdateError } from '../../domain/errors.ts';
import type { ManifestEntry } from '../../domain/manifest.ts';
import type { Settings } from '../../domain/settings.ts';
import { DeadlineError, withDeadline } from '../../platform/clock.ts';
import type { FoundSettings } from '../settings.ts';

export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

/** One line of the answer: what was looked at, and how it is. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly text: string;
  /** What to do; there for every failure. */
  readonly advice?: string;
}

/** What the checks are given: settings that are valid, and the manifest as far as it is. */
export interface Patient {
  readonly settings: Settings;
  readonly found: FoundSettings;
  readonly entries: readonly ManifestEntry[];
  readonly now: Date;
  readonly user: 'root' | 'other';
}

/** Must not change anything, and must leave nothing open once its signal is aborted. */
export interface Check {
  readonly name: string;
  readonly look: (patient: Patient, signal: AbortSignal) => Promise<readonly Said[]>;
}

/** A finding without the name of its check. */
export type Said = Omit<Finding, 'check'> & { readonly check?: string };

export const ok = (text: string): Said => ({ verdict: 'ok', text });
export const skip = (text: string): Said => ({ verdict: 'skip', text });
export const warn = (text: string, advice: string): Said => ({ verdict: 'warn', text, advice });
export const fail = (text: string, advice: string): Said => ({ verdict: 'fail', text, advice });

/** How many of each. */
export function countsOf(findings: readonly Finding[]) {
  const count = (verdict: Finding['verdict']) => findings.filter((one) => one.verdict === verdict).length;
  return { ok: count('ok'), warn: count('warn'), fail: count('fail'), skip: count('skip') };
}

/** No check may keep the others waiting; and what takes a busy host five seconds does not hang. */
const PATIENCE_MS = 10_000;

/** Looks, and makes a finding of everything that can happen meanwhile. Never throws. */
export async function findingsOf({ name, look }: Check, patient: Patient): Promise<readonly Finding[]> {
  const late = `nothing was found out within ${PATIENCE_MS / 1000} s`;
  try {
    const said = await withDeadline(PATIENCE_MS, late, (signal) => look(patient, signal));
    return said.map((one) => ({ check: name, ...one }));
  } catch (error) {
    return [{ check: name, ...sayTrouble(error) }];
  }
}

/** What this user may not see is no trouble of the host. */
export function sayTrouble(error: unknown): Said {
  if (error instanceof DeadlineError) return fail(error.message, 'Something there hangs; see what it waits for.');
  const denied = error instanceof RunError && error.code === 'no-permission';
  if (denied && process.geteuid?.() !== 0) return skip(`${error.message}; run as root to have it looked at`);
  const hint = error instanceof RunError || error instanceof UpdateError ? error.hint : undefined;
  return fail(errorText(error), hint ?? 'Please report this: no such trouble was expected.');
}
