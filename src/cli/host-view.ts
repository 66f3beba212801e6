import { type DigestAlgorithm, digestFromText } from '../domain/digest.ts';
import type { Installation } from '../domain/installation.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryRecord } from '../domain/record.ts';
import type { KeptFiles } from '../installers/installer.ts';
import type { KeptFile } from '../planning/former.ts';
import { firstFiles, type Standing, standingOf } from '../planning/standing.ts';
import { realPathOf } from '../platform/files.ts';
import type { Tick } from './tick.ts';

/** What this host alone knows of one binary. */
export interface SeenBinary {
  readonly entry: ManifestEntry;
  readonly installed: Installation;
  readonly record?: BinaryRecord;
  readonly standing: Standing;
  /** Newest first. */
  readonly backups: readonly KeptFile[];
}

export interface HostView {
  readonly now: Date;
  readonly binaries: readonly SeenBinary[];
  /** Trouble that stops nothing, such as a damaged record. */
  readonly warnings: readonly string[];
  /** Which run has left an update unfinished, or is at it. */
  readonly unfinished?: string;
}

/** Reads what this host knows of its binaries: no server, no child process, no write, and no hashing of what is known. */
export async function viewHost(tick: Tick, kept: KeptFiles): Promise<HostView> {
  const { entries, half } = tick;
  const now = new Date();
  const names = entries.map(({ name }) => name);
  const [{ byName, damaged }, file, probations] = await Promise.all([
    half.records.read(names),
    half.journal.read(),
    half.probations.read(),
  ]);
  const journal = file.kind === 'read' ? file.value : undefined;
  const binaries = await Promise.all(
    entries.map(async (entry): Promise<SeenBinary> => {
      const record = byName.get(entry.name);
      const path = await realPathOf(entry.path);
      const installed = await half.reader.read(entry.path, knownAlgorithm(path, record, tick));
      const remembered = {
        entry,
        installed,
        probations,
        ...(record !== undefined && { record }),
        ...(journal !== undefined && { journal }),
      };
      return {
        entry,
        installed,
        ...(record !== undefined && { record }),
        standing: standingOf(remembered, now),
        backups: await kept.of(path, entry.name),
      };
    }),
  );
  const unread = [...damaged].map(([name, why]) => `the record of ${name} is damaged and not used: ${why}`);
  const broken = file.kind === 'damaged' ? [`the journal is damaged; the next run moves it aside: ${file.why}`] : [];
  return {
    now,
    binaries,
    warnings: [...tick.warnings, ...unread, ...broken],
    ...(journal !== undefined && { unfinished: journal.run }),
  };
}

/** Where nothing was proven, what the look has found out already: a file has one digest in every answer. */
function knownAlgorithm(path: string, record: BinaryRecord | undefined, { half }: Tick): DigestAlgorithm {
  const known = record?.active === undefined ? half.cache.algorithmOf(path) : undefined;
  return known ?? algorithmOf(record);
}

/** That in which the proven release was compared, so that the digest is known already; md5 as the look does without. */
export function algorithmOf(record: BinaryRecord | undefined): DigestAlgorithm {
  return digestFromText(firstFiles(record?.active?.release ?? '').split(' ')[0] ?? '')?.algorithm ?? 'md5';
}
