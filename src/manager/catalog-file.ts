import { z } from 'zod';
import { errorText } from '../domain/errors.ts';
import { BINARY_NAME, type BinaryName, VERSION_NAME, type VersionName } from '../domain/names.ts';
import { PLATFORM, type Platform } from '../domain/platform.ts';
import type { Catalog } from './catalog.ts';
import { ManagerError } from './errors.ts';

const SCHEMA = 'bin-manager/catalog/1';

const version = z
  .string()
  .regex(VERSION_NAME)
  .transform((text) => text as VersionName);
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

/**
 * `catalog/<name>.json`. Lists, not objects with versions as keys: they keep their order, and `__proto__` is a fine
 * name for a version.
 */
const catalogFile = z.strictObject({
  schema: z.literal(SCHEMA),
  name: z
    .string()
    .regex(BINARY_NAME)
    .transform((text) => text as BinaryName),
  releases: z.array(
    z.strictObject({
      version,
      withdrawn: time.exactOptional(),
      artifacts: z
        .array(
          z.strictObject({
            platform: z
              .string()
              .regex(PLATFORM)
              .transform((text) => text as Platform),
            size: z.int().positive(),
            md5: z.string().regex(/^[0-9a-f]{32}$/),
            sha256: z.string().regex(/^[0-9a-f]{64}$/),
            published: time,
          }),
        )
        .min(1),
    }),
  ),
  channels: z.array(z.strictObject({ channel: version, current: version.exactOptional(), former: z.array(version) })),
});

export function catalogText({ name, releases, channels }: Catalog): string {
  return `${JSON.stringify({ schema: SCHEMA, name, releases, channels }, null, 2)}\n`;
}

/** Throws {@link ManagerError} `damaged` that names the file and the place in it. */
export function parseCatalog(text: string, name: BinaryName, file: string): Catalog {
  const parsed = catalogFile.safeParse(parseJson(text, file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw damaged(file, problems.slice(0, 5).join('; '));
  }
  const { schema: _, ...catalog } = parsed.data;
  const problem = contradiction(catalog, name);
  if (problem !== undefined) throw damaged(file, problem);
  return catalog;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(file, `not valid JSON: ${errorText(error)}`);
  }
}

/** What the schema cannot say. */
function contradiction({ name, releases, channels }: Catalog, expected: BinaryName): string | undefined {
  if (name !== expected) return `name: expected "${expected}", found "${name}"`;
  const versions = releases.map(({ version: one }) => one);
  const twice = [...versions, ...channels.map(({ channel }) => channel)].find((one, i, all) => all.indexOf(one) !== i);
  if (twice !== undefined) return `"${twice}" stands there twice`;
  const platforms = releases.find(({ artifacts }) => new Set(artifacts.map((a) => a.platform)).size < artifacts.length);
  if (platforms !== undefined) return `version ${platforms.version} has a platform twice`;
  const good = new Set(releases.filter(({ withdrawn }) => withdrawn === undefined).map(({ version: one }) => one));
  const lost = channels.find(({ current }) => current !== undefined && !good.has(current));
  return lost && `channel ${lost.channel} points at ${lost.current}, which is no version that can be had`;
}

function damaged(file: string, why: string): ManagerError {
  return new ManagerError('damaged', `${file} cannot be understood: ${why}`, {
    hint: 'Nothing was changed, and hosts go on getting what was published. Mend the file, or bring it back from a backup.',
  });
}
