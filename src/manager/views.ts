import { platformSegment } from '../domain/platform.ts';
import { artifactAddress, digestAnswer, releaseAnswer } from './answers.ts';
import {
  type Artifact,
  artifactFor,
  type Catalog,
  findRelease,
  LATEST,
  publishedAt,
  type Release,
  STABLE,
} from './catalog.ts';

/** A small file that answers an address; its path is relative to the API's directory, as all of them are here. */
export interface TextView {
  readonly path: string;
  readonly text: string;
  /** Time of last change that the file must show: with the size it makes the ETag. */
  readonly stamp: string;
}

/** A symlink, relative to the directory it lies in. */
export interface LinkView {
  readonly path: string;
  readonly target: string;
}

/** The files that the catalog of one binary stands for, in the order in which they must come to be. */
export interface Views {
  /** Answers and links to bytes of every release, in directories that nothing points at before they are complete. */
  readonly texts: readonly TextView[];
  readonly downloads: readonly LinkView[];
  /** `releases/<version>/<name>`. */
  readonly versions: readonly LinkView[];
  /** `releases/<channel>/<name>`: one rename moves all answers of a channel at once. */
  readonly channels: readonly LinkView[];
  /** `bins/<name>` and `download/<name>`, for older clients. */
  readonly names: readonly LinkView[];
}

/** `latest` is the channel stable, for all binaries at once. */
export const LATEST_LINK: LinkView = { path: `releases/${LATEST}`, target: STABLE };

/** `digestOf` gives any digest of a text in hex: it names the directory of a release by what is in it. */
export function viewsOf(catalog: Catalog, digestOf: (text: string) => string): Views {
  const { name } = catalog;
  const offered = catalog.releases.filter(({ withdrawn }) => withdrawn === undefined);
  const revisions = offered.map((release) => {
    const answer = releaseAnswer(name, release);
    const id = digestOf(`${publishedAt(release)} ${answer}`).slice(0, 20);
    return { release, answer, directory: `revisions/${name}/${id}` };
  });
  const channels = catalog.channels.flatMap(({ channel }) => {
    const release = findRelease(catalog, channel);
    return release === undefined
      ? []
      : [{ path: `releases/${channel}/${name}`, target: `../${release.version}/${name}` }];
  });
  const isStable = findRelease(catalog, STABLE) !== undefined;
  return {
    texts: revisions.flatMap((one) => textsOf(one)),
    downloads: revisions.flatMap((one) => downloadsOf(one)),
    versions: revisions.map(({ release, directory }) => ({
      path: `releases/${release.version}/${name}`,
      target: `../../${directory}`,
    })),
    channels,
    names: isStable
      ? [
          { path: `bins/${name}`, target: `../releases/${STABLE}/${name}/release.json` },
          { path: `download/${name}`, target: `../releases/${STABLE}/${name}/download` },
        ]
      : [],
  };
}

interface Revision {
  readonly release: Release;
  readonly answer: string;
  readonly directory: string;
}

/** The artifacts of a release, by the folder of their answers; the usual one also has none. */
function folders({ release, directory }: Revision): readonly (readonly [folder: string, artifact: Artifact])[] {
  const usual = artifactFor(release);
  const own = release.artifacts.map((one) => [`${directory}/${platformSegment(one.platform)}`, one] as const);
  return usual === undefined ? own : [[directory, usual], ...own];
}

function textsOf(revision: Revision): readonly TextView[] {
  const stamp = publishedAt(revision.release);
  const digests = folders(revision).flatMap(([folder, artifact]) =>
    (['sha256', 'md5'] as const).map((algorithm) => ({
      path: `${folder}/${algorithm}`,
      text: digestAnswer(algorithm, artifact),
      stamp,
    })),
  );
  return [...digests, { path: `${revision.directory}/release.json`, text: revision.answer, stamp }];
}

function downloadsOf(revision: Revision): readonly LinkView[] {
  return folders(revision).map(([folder, { sha256 }]) => ({
    path: `${folder}/download`,
    target: `${folder
      .split('/')
      .map(() => '..')
      .join('/')}/${artifactAddress(sha256)}`,
  }));
}
