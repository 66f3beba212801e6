import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** A mounted file system, as proc(5) tells it. */
export interface Mount {
  readonly point: string;
  readonly kind: string;
  /** Of the mount and of the file system itself: `ro`, `noexec`, … */
  readonly options: ReadonlySet<string>;
}

/** What is mounted where this process sees it, in the order of mounting. */
export async function mounts(): Promise<readonly Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').flatMap((line) => {
    const [own = '', rest = ''] = line.split(' - ');
    const [point, options] = own.split(' ').slice(4, 6);
    const [kind = '', , superOptions = ''] = rest.split(' ');
    if (point === undefined || options === undefined) return [];
    return [{ point: unescaped(point), kind, options: new Set([...options.split(','), ...superOptions.split(',')]) }];
  });
}

/** The one that a path lies on: of those that reach as far down, the last one mounted. */
export function mountOf(path: string, all: readonly Mount[]): Mount | undefined {
  const whole = resolve(path);
  const above = all.filter(({ point }) => whole === point || whole.startsWith(point === '/' ? '/' : `${point}/`));
  return above.toSorted((a, b) => a.point.length - b.point.length).at(-1);
}

/** Blanks, tabs, newlines and backslashes are written in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
