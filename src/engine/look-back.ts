import { digestText, sameDigest } from '../domain/digest.ts';
import { RunError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Decision, Plan } from '../domain/plan.ts';
import { type BinaryRecord, emptyRecord, type LeftRelease } from '../domain/record.ts';
import { type Release, sameRelease } from '../domain/release.ts';
import type { InstallationReader, Installer } from '../installers/installer.ts';
import { choose, type KeptVersion, keptText, keptVersions } from '../planning/former.ts';
import { holdInForce, holdText } from '../planning/hold.ts';
import type { RecordStore } from '../store/records.ts';

export interface LookBackRoles {
  readonly installer: Pick<Installer, 'kept'>;
  readonly reader: InstallationReader;
  readonly records: RecordStore;
}

/** What an operator asks for. */
export interface Request {
  /** A version, the beginning of a digest, or `factory`; absent: what ran before. */
  readonly to?: string;
  readonly by: string;
  /** `ignore` is `--force`: also where it is held, and to what failed here before. */
  readonly objections: 'respect' | 'ignore';
  readonly now: Date;
}

/**
 * Plans the way back to a version that is kept on this host. Asks nobody, writes nothing. Throws {@link RunError} `usage`
 * where it is not clear which version is meant, `refused` where there is an objection.
 */
export async function lookBack(entry: ManifestEntry, request: Request, roles: LookBackRoles): Promise<Plan> {
  const { now, to } = request;
  const { byName } = await roles.records.read([entry.name]);
  const record = byName.get(entry.name) ?? emptyRecord(entry.name);
  const live = new Map<string, string>();
  for (const algorithm of ['md5', 'sha256'] as const) {
    const found = await roles.reader.read(entry.path, algorithm);
    if (found.kind === 'present') live.set(algorithm, digestText(found.digest));
  }
  const versions = keptVersions(await roles.installer.kept(entry), record, now);
  const others = versions.filter(({ digest }) => live.get(digest.algorithm) !== digestText(digest));
  const kept = chosen(entry, { versions: to === undefined ? others : versions, to });
  const installed = await roles.reader.read(entry.path, kept.digest.algorithm);
  const decision = decideBack({ kept, record, entry }, installed, request);
  return {
    at: now.toISOString(),
    binaries: [{ entry, installed: [installed], decision }],
    warnings: [],
    reports: 'unasked',
  };
}

function chosen(
  { name }: ManifestEntry,
  { versions, to }: { readonly versions: readonly KeptVersion[]; readonly to: string | undefined },
): KeptVersion {
  const choice = choose(versions, to);
  if (choice.kind === 'chosen') return choice.kept;
  if (versions.length === 0) {
    throw new RunError('refused', `of ${name} no version is kept that it could go back to`, {
      hint: `A version is kept when it is replaced for the first time, as many as "keep" says.`,
    });
  }
  const list = choice.among.map(keptText).join('\n');
  if (to === undefined) {
    throw new RunError(
      'refused',
      `of ${name} nothing is kept that neither failed here nor was left by an operator:\n${list}`,
      {
        hint: 'Name one of them with --to.',
      },
    );
  }
  const what = choice.kind === 'several' ? 'means more than one' : 'means none';
  throw new RunError('usage', `"${to}" ${what} of the versions that are kept of ${name}:\n${list}`, {
    hint: 'Name one of them: its version, the first digits of its digest, or factory.',
  });
}

interface Back {
  readonly kept: KeptVersion;
  readonly record: BinaryRecord;
  readonly entry: ManifestEntry;
}

type Found = Awaited<ReturnType<InstallationReader['read']>>;

function decideBack({ kept, record, entry }: Back, installed: Found, request: Request): Decision {
  const { digest, size, path } = kept;
  const artifact = { url: `file://${encodeURI(path)}`, digest, size, target: entry.path };
  const release: Release = {
    version: kept.version ?? (kept.kind === 'factory' ? 'factory' : 'unknown'),
    artifacts: [artifact],
  };
  if (installed.kind === 'present' && sameDigest(installed.digest, digest)) return { kind: 'up-to-date', release };
  if (installed.kind === 'foreign' || installed.kind === 'unreadable') {
    const found = installed.kind === 'foreign' ? installed.what : installed.why;
    throw new RunError('refused', `expected a regular file at ${entry.path}, found ${found}`);
  }
  if (request.objections === 'respect') mustBeFree({ kept, record, entry }, request.now);
  const live = installed.kind === 'present' ? digestText(installed.digest) : undefined;
  return {
    kind: 'change',
    release,
    reason: 'operator-rollback',
    files: [{ artifact, installed, kept: path }],
    leaves: leavesOf(record, { live, next: digestText(digest) }, request),
  };
}

/** What somebody else has said, or this host has seen, is not overruled by accident. */
function mustBeFree({ kept, record, entry }: Back, now: Date): void {
  const hold = holdInForce(record, now);
  const word = hold === undefined ? entry.hold && `held by the manifest: ${entry.hold}` : holdText(hold);
  if (word !== undefined) {
    throw new RunError('refused', `${entry.name} is ${word}`, {
      hint: 'Ask whoever holds it; --force goes back all the same, and leaves the hold as it is.',
    });
  }
  if (kept.failed !== undefined) {
    throw new RunError('refused', `that version has failed here: ${kept.failed}`, { hint: '--force tries it again.' });
  }
}

/** What is installed, and what should be: neither must come back with the next tick. */
function leavesOf(
  { active }: BinaryRecord,
  { live, next }: { readonly live: string | undefined; readonly next: string },
  { by, now }: Request,
): readonly LeftRelease[] {
  const own = active !== undefined && !sameRelease(active.release, next) ? [active.release] : [];
  const other = live !== undefined && !own.some((one) => sameRelease(one, live)) ? [live] : [];
  return [...own, ...other].map((release) => ({ release, by, at: now.toISOString() }));
}
