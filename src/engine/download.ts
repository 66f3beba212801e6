import type { FileChange } from '../domain/plan.ts';
import { releaseId } from '../domain/release.ts';
import type { Deliver } from '../installers/installer.ts';
import type { PlannedChange } from '../planning/transactions.ts';
import type { DownloadLimits } from '../platform/sink.ts';
import type { ActRoles } from './roles.ts';

/** Fetches one file of a change, told to whoever watches and bounded by this host's limits. */
export function downloadOf(file: FileChange, { entry, decision }: PlannedChange, roles: ActRoles): Deliver {
  const { source, limits, progress, reporter, gate, log } = roles;
  return (sink, maxBytes) => {
    reporter.begins({ name: entry.name, release: releaseId(decision.release) });
    return source.fetch(file.artifact, sink, {
      maxBytes,
      idleMs: limits.downloadIdleMs,
      totalMs: limits.downloadMs,
      ...(limits.downloadLeast !== undefined && { least: limits.downloadLeast }),
      signal: gate.signal,
      onProgress: (received, total) => progress.downloading(entry.name, received, total),
      onWhole: (why) => log.warn(`${entry.name}: ${why}; downloading the whole file`),
      ...formerOf(file),
    });
  };
}

/** What a server may send a delta to; it knows files by their sha256. */
function formerOf({ artifact, installed }: FileChange): Pick<DownloadLimits, 'former'> {
  if (installed.kind !== 'present' || installed.digest.algorithm !== 'sha256') return {};
  const { realPath: path, digest, size } = installed;
  return { former: { path, sha256: digest.hex, size, result: artifact.digest } };
}
