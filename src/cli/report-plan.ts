import type { Plan, PlannedBinary } from '../domain/plan.ts';
import { releaseId } from '../domain/release.ts';
import { installedText } from '../planning/decide.ts';
import { minute } from '../planning/minute.ts';
import { columns, printableText } from '../platform/text.ts';
import { brief, SELF_TOLD } from './report-run.ts';
import type { Terminal } from './terminal.ts';

export interface PlanContext {
  readonly source: string;
  readonly manifest: string;
  /** The command that does it. */
  readonly todo: string;
  readonly warnings: readonly string[];
  /** The most services that one run changes; absent: no bound. */
  readonly maxChanges?: number;
  /** The update an earlier run left unfinished: it would be taken up first. */
  readonly unfinished: string | undefined;
  /** By binary name, for those that would change and have a service. */
  readonly restarts: ReadonlyMap<string, Restart>;
}

/** What a restart of a binary's services would mean now, and what stands in its way. */
export interface Restart {
  readonly text: string;
  readonly trouble?: string;
}

const SIGNS = { install: '+', replace: '~', 'up-to-date': '=', leave: '!', fail: 'x' } as const;
const STYLES = { install: 'green', replace: 'yellow', 'up-to-date': 'dim', leave: 'yellow', fail: 'red' } as const;
type Action = keyof typeof SIGNS;

/** `bin-proxy plan`: a line for every binary, also for those that are left alone, and why. */
export function reportPlan(plan: Plan, context: PlanContext, out: Terminal): void {
  for (const warning of context.warnings) out.line(out.paint('yellow', `warning: ${warning}`));
  out.line(`source  ${context.source}    manifest  ${context.manifest}\n`);
  if (context.unfinished !== undefined) out.line(out.paint('yellow', `!  ${context.unfinished}\n`));
  const body = plan.binaries.map((binary) => row(binary, whyOf(binary, plan), context.restarts));
  if (body.length > 0) {
    const [head, ...rows] = columns([['', 'NAME', 'INSTALLED', 'WANTED', 'RESTART', 'WHY'], ...body]);
    out.line(out.paint('bold', (head ?? []).join('  ')));
    for (const [index, cells] of rows.entries()) {
      const binary = plan.binaries[index];
      if (binary === undefined) continue;
      out.line(out.paint(STYLES[actionOf(binary)], cells.join('  ')).trimEnd());
      if (binary.decision.kind === 'fail' && binary.decision.hint !== undefined)
        out.line(`     ${binary.decision.hint}`);
    }
    out.line('');
  }
  out.line(totalsText(plan));
  if (plan.binaries.some(({ decision }) => decision.kind === 'change')) {
    const { maxChanges: most, todo } = context;
    const bound = most === undefined ? '' : ` At most ${most} of the services in one run (BIN_PROXY_MAX_CHANGES).`;
    out.line(printableText(`Nothing was changed. To do it: ${todo}${bound && `.${bound}`}`));
  }
}

/** The document of `bin-proxy plan --json`. */
export function planDocument(plan: Plan, context: PlanContext & { readonly host: string }) {
  return {
    schema: 'bin-proxy/plan/1',
    host: context.host,
    at: plan.at,
    source: context.source,
    manifest: context.manifest,
    warnings: context.warnings,
    ...(context.maxChanges !== undefined && { maxChanges: context.maxChanges }),
    ...(context.unfinished !== undefined && { unfinished: context.unfinished }),
    binaries: plan.binaries.map((binary) => ({
      name: binary.entry.name,
      action: actionOf(binary),
      reason: reasonOf(binary),
      detail: whyOf(binary, plan),
      ...installedAndWanted(binary),
      services: binary.entry.services,
    })),
    totals: totals(plan),
  };
}

function row(binary: PlannedBinary, reason: string, restarts: ReadonlyMap<string, Restart>): readonly string[] {
  const { from, to } = installedAndWanted(binary);
  const changes = binary.decision.kind === 'change';
  const restart = restarts.get(binary.entry.name) ?? { text: changes ? 'none' : '-' };
  const version = 'release' in binary.decision ? binary.decision.release?.version : undefined;
  const wanted = version === undefined || version === 'latest' ? brief(to) : `${version} (${brief(to)})`;
  const why = restart.trouble === undefined ? reason : `${reason}, but ${restart.trouble}`;
  return [SIGNS[actionOf(binary)], binary.entry.name, brief(from), wanted, restart.text, why];
}

function installedAndWanted({ installed, decision }: PlannedBinary): { from?: string; to?: string; version?: string } {
  const from = installedText(installed);
  const release = 'release' in decision ? decision.release : undefined;
  return {
    ...(from !== undefined && { from }),
    ...(release !== undefined && { to: releaseId(release), version: release.version }),
  };
}

function actionOf({ decision, installed }: PlannedBinary): Action {
  if (decision.kind !== 'change') return decision.kind;
  return installed.every(({ kind }) => kind === 'absent') ? 'install' : 'replace';
}

function reasonOf({ decision }: PlannedBinary): string {
  return decision.kind === 'up-to-date' ? 'up-to-date' : decision.reason;
}

const CHANGES = {
  'not-installed': 'not installed yet',
  'new-release': 'new release',
  drifted: 'file was changed on this host',
  'operator-rollback': 'back to it, as asked',
} as const;

function whyOf({ entry, decision }: PlannedBinary, plan: Plan): string {
  switch (decision.kind) {
    case 'up-to-date':
      return 'up to date';
    case 'change':
      return `${CHANGES[decision.reason]}${turnText(entry.dependsOn ?? [], plan)}`;
    case 'leave':
      return decision.until === undefined || SELF_TOLD.has(decision.reason)
        ? decision.detail
        : `${decision.reason.replace('-', ' ')} until ${minute(decision.until)}: ${decision.detail}`;
    case 'fail':
      return decision.detail;
  }
}

/** What is updated before it. */
function turnText(names: readonly string[], { binaries }: Plan): string {
  const before = binaries.filter(({ entry, decision }) => names.includes(entry.name) && decision.kind === 'change');
  return before.length === 0 ? '' : `, after ${before.map(({ entry }) => entry.name).join(', ')}`;
}

function totals(plan: Plan): Readonly<Record<Action, number>> {
  const count = (action: Action) => plan.binaries.filter((binary) => actionOf(binary) === action).length;
  return {
    install: count('install'),
    replace: count('replace'),
    'up-to-date': count('up-to-date'),
    leave: count('leave'),
    fail: count('fail'),
  };
}

function totalsText(plan: Plan): string {
  const counts = totals(plan);
  const words: Readonly<Record<Action, string>> = {
    install: 'to install',
    replace: 'to replace',
    leave: 'left alone',
    fail: 'cannot be judged',
    'up-to-date': 'up to date',
  };
  const parts = (Object.keys(words) as Action[]).filter((a) => counts[a] > 0).map((a) => `${counts[a]} ${words[a]}`);
  return parts.length === 0 ? 'Plan: the manifest names no binaries.' : `Plan: ${parts.join(', ')}.`;
}
