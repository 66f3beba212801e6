import { hostname, machine, type } from 'node:os';
import type { HostIdentity } from '../domain/reported.ts';
import { readText } from './files.ts';
import { hostId } from './host-id.ts';

/** os-release(5): the first one that is there counts. */
const OS_RELEASE = ['/etc/os-release', '/usr/lib/os-release'] as const;
const MAX_LENGTH = 200;

/** The host as a release server is told. What cannot be read has a plainer word instead. */
export async function hostIdentity(): Promise<HostIdentity> {
  return { id: await hostId(), name: hostname(), machine: machine(), system: (await prettyName()) ?? type() };
}

async function prettyName(): Promise<string | undefined> {
  for (const file of OS_RELEASE) {
    const text = await readText(file).catch(() => undefined);
    if (text !== undefined) return readPrettyName(text);
  }
  return undefined;
}

/** A line of shell: PRETTY_NAME="Debian GNU/Linux 12 (bookworm)". The last one counts, and an empty one is none. */
export function readPrettyName(text: string): string | undefined {
  const [, quoted = '', apostrophed, plain] =
    [...text.matchAll(/^PRETTY_NAME=(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|(\S*))[ \t]*$/gm)].at(-1) ?? [];
  const name = apostrophed ?? plain ?? quoted.replaceAll(/\\(.)/g, '$1');
  return name === '' ? undefined : name.slice(0, MAX_LENGTH);
}
