import { digestFromText } from '../domain/digest.ts';
import type { HostIdentity, ReportedBinary, Running } from '../domain/reported.ts';
import { VERSION } from '../domain/version.ts';

/** Servers of this protocol call one thing by several names, and pass over those they do not know: all are sent. */
type Body = Readonly<Record<string, unknown>>;

/** `POST /keepalive`. */
export function keepaliveBody(host: HostIdentity, binaries: readonly ReportedBinary[]): Body {
  return {
    nodeName: host.name,
    node_id: host.id,
    node_name: host.name,
    cpuArch: host.machine,
    cpu_arch: host.machine,
    osRelease: host.system,
    os_release: host.system,
    binProxyVersion: VERSION,
    bin_proxy_version: VERSION,
    binaries: binaries.map(({ name, state, running, follows, wanted, since, reason }) => ({
      name,
      state,
      ...(running !== undefined && bytesFields(running)),
      ...(follows !== undefined && { follows }),
      ...(wanted !== undefined && { wanted: bytesFields(wanted) }),
      ...(since !== undefined && { since }),
      ...(reason !== undefined && { reason }),
    })),
  };
}

export interface Progress {
  readonly name: string;
  /** As `releaseId` writes it. */
  readonly release: string;
  readonly seconds: number;
  readonly status: 'in_progress' | 'success' | 'failed';
  /** What older servers know only as `failed`. */
  readonly outcome?: 'rolled-back' | 'rollback-failed';
  readonly reason?: string;
}

/** `POST /bins/{name}/progress`. */
export function progressBody(host: HostIdentity, progress: Progress): Body {
  const { name, release, status, outcome, reason } = progress;
  const hash = digestFromText(release)?.hex ?? release;
  const seconds = Math.max(0, Math.round(progress.seconds));
  return {
    nodeName: host.name,
    node_id: host.id,
    binName: name,
    bin_name: name,
    targetHash: hash,
    target_hash: hash,
    processingTime: seconds,
    processing_time: seconds,
    status,
    ...(outcome !== undefined && { outcome }),
    ...(reason !== undefined && { reason }),
  };
}

/** `POST /bins/{name}`: what runs now. */
export function versionBody(host: HostIdentity, name: string, running: Running): Body {
  const digests = digestFields(running);
  return {
    nodeName: host.name,
    node_id: host.id,
    binName: name,
    bin_name: name,
    ...digests,
    ...(digests.sha256 !== undefined && { sha256sum: digests.sha256 }),
    hash: running.digests[0].hex,
    ...(running.version !== undefined && { version: running.version }),
  };
}

function bytesFields(running: Running): object {
  return { ...digestFields(running), ...(running.version !== undefined && { version: running.version }) };
}

function digestFields({ digests }: Running): { readonly sha256?: string; readonly md5?: string } {
  return Object.fromEntries(digests.map(({ algorithm, hex }) => [algorithm, hex]));
}
