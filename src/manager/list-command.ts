import { shortDigest } from '../domain/digest.ts';
import { errorText } from '../domain/errors.ts';
import type { BinaryName } from '../domain/names.ts';
import { type Artifact, type Catalog, publishedAt } from './catalog.ts';
import type { Invocation } from './command-line.ts';
import { refused } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { ReleaseStore } from './store.ts';
import { answer, note, sizeText, tableLines } from './wording.ts';

/** `bin-manager list`: what hosts are offered. */
export async function listCommand(invocation: Invocation): Promise<ExitCode> {
  const { sound, damaged } = await new ReleaseStore(invocation.store).readCatalogs();
  const catalogs = [...sound.values()];
  const rows = catalogs.flatMap((catalog) => channelRows(catalog));
  const lines = rows.length === 0 ? ['Nothing was published yet.'] : tableLines([HEAD, ...rows]);
  answer(invocation, lines, { binaries: catalogs });
  for (const error of damaged.values()) note(errorText(error));
  return damaged.size === 0 ? 0 : 78;
}

/** `bin-manager show NAME`: every version, with its digests. */
export async function showCommand(invocation: Invocation): Promise<ExitCode> {
  const store = new ReleaseStore(invocation.store);
  const name = invocation.name as BinaryName;
  const catalog = await store.catalog(name);
  if (catalog === undefined) {
    const names = (await store.names()).slice(0, 20).join(', ');
    throw refused(`nothing was published as ${name}`, names === '' ? 'The store is empty.' : `There is ${names}.`);
  }
  const versions = [...catalog.releases]
    .reverse()
    .flatMap((release) =>
      release.artifacts.map((artifact, index) => [
        index === 0 ? release.version : '',
        ...artifactCells(artifact),
        index > 0
          ? ''
          : release.withdrawn === undefined
            ? channelsAt(catalog, release.version)
            : `withdrawn ${release.withdrawn}`,
      ]),
    );
  const head = ['VERSION', 'PLATFORM', 'SIZE', 'MD5', 'SHA256', 'PUBLISHED', ''];
  answer(invocation, [name, ...tableLines([head, ...versions]), ...channelLines(catalog)], { ...catalog });
  return 0;
}

const HEAD = ['NAME', 'CHANNEL', 'VERSION', 'PLATFORMS', 'PUBLISHED'] as const;

function channelRows(catalog: Catalog): readonly (readonly string[])[] {
  return catalog.channels.map(({ channel, current }) => {
    const release = catalog.releases.find(({ version }) => version === current);
    const platforms = release?.artifacts.map(({ platform }) => platform).join(', ') ?? '-';
    return [catalog.name, channel, current ?? '-', platforms, release === undefined ? '-' : publishedAt(release)];
  });
}

function artifactCells({ platform, size, md5, sha256, published }: Artifact): readonly string[] {
  return [platform, sizeText(size), md5, shortDigest({ algorithm: 'sha256', hex: sha256 }), published];
}

function channelsAt({ channels }: Catalog, version: string): string {
  return channels
    .filter(({ current }) => current === version)
    .map(({ channel }) => `<- ${channel}`)
    .join(' ');
}

function channelLines({ channels }: Catalog): readonly string[] {
  return channels.map(({ channel, current, former }) => {
    const past = former.length === 0 ? '' : `; before: ${former.slice(0, 5).join(', ')}`;
    return `${channel}: ${current ?? 'points at nothing'}${past}`;
  });
}
