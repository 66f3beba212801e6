/**
 * Names that come from the manifest or the network and end up in paths, URLs and argument lists.
 * Invariant 10: a name that could leave its directory, or mean something to `supervisorctl`, cannot be made.
 */
declare const brand: unique symbol;

export type BinaryName = string & { readonly [brand]: 'BinaryName' };
/** `program`, `group:program` or `group:*`, as supervisor writes them. */
export type ServiceName = string & { readonly [brand]: 'ServiceName' };
/** A version as a source understands it: `latest`, or one path segment such as `1.4.2`. */
export type VersionName = string & { readonly [brand]: 'VersionName' };

export const BINARY_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const SERVICE_NAME = /^(?!all$)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(:([A-Za-z0-9_][A-Za-z0-9._-]{0,127}|\*))?$/;
export const VERSION_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,127}$/;

export function isBinaryName(text: string): text is BinaryName {
  return BINARY_NAME.test(text);
}

/** `all` is refused: to `supervisorctl` it means every program of the host. */
export function isServiceName(text: string): text is ServiceName {
  return SERVICE_NAME.test(text);
}

export function isVersionName(text: string): text is VersionName {
  return VERSION_NAME.test(text);
}

/** The one that somebody most likely meant: the fewest letters to change, and less than half of them. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, distance: distance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance * 2 < Math.max(text.length, 2) ? best.name : undefined;
}

/** Levenshtein's: letters that are to be added, removed or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (b[column - 1] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
