import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName, ServiceName, VersionName } from '../domain/names.ts';
import { readWindow } from '../planning/window-text.ts';
import type { WrittenEntry } from './manifest-schema.ts';

/** Where a health check names no time of its own. */
const HEALTH_SECONDS = 5;

/** An entry as it was written and checked, every default filled in. */
export function normalise(written: WrittenEntry, binDir: string): ManifestEntry {
  const service = written.service ?? written.name;
  const services = service === false ? [] : Array.isArray(service) ? service : [service];
  const hold = written.hold === true ? 'held in the manifest' : written.hold || undefined;
  const [program, ...rest] = written.check ?? [];
  return {
    // The schema has checked these with the patterns the brands stand for.
    name: written.name as BinaryName,
    version: written.version as VersionName,
    path: written.path ?? defaultPath(binDir, written.name),
    services: [...new Set(services)] as ServiceName[],
    keep: written.keep,
    ...(written.mode !== undefined && { mode: Number.parseInt(written.mode, 8) }),
    ...(written.owner !== undefined && { owner: written.owner }),
    ...(hold !== undefined && { hold }),
    ...(written.dependsOn !== undefined && { dependsOn: written.dependsOn as BinaryName[] }),
    ...windowOf(written),
    ...healthOf(written),
    ...(program !== undefined && { check: [program, ...rest] as const }),
  };
}

function windowOf({ window }: WrittenEntry): Pick<ManifestEntry, 'window'> {
  if (window === undefined || window === false) return {};
  const text = [window].flat().join(', ');
  const read = readWindow(text);
  return read.kind === 'unread' ? {} : { window: { text, spans: read.spans } };
}

function healthOf({ health }: WrittenEntry): Pick<ManifestEntry, 'health'> {
  const timeoutMs = (health?.http?.timeout ?? health?.timeout ?? HEALTH_SECONDS) * 1000;
  const [program, ...args] = health?.command ?? [];
  if (program !== undefined) return { health: { kind: 'command', command: [program, ...args], timeoutMs } };
  if (health?.http === undefined) return {};
  const { url, status } = health.http;
  return { health: { kind: 'http', url, ...(status !== undefined && { status }), timeoutMs } };
}

/** Where a binary is installed that names no place of its own. */
export function defaultPath(binDir: string, name: string): string {
  return `${binDir.replace(/\/+$/, '')}/${name}`;
}
