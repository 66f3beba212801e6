import { type Digest, digestFromHex } from '../../src/domain/digest.ts';
import type { FileChange } from '../../src/domain/plan.ts';
import { InPlaceInstaller } from '../../src/installers/in-place.ts';
import { InPlaceKept } from '../../src/installers/in-place-kept.ts';
import { InPlaceReader } from '../../src/installers/in-place-reader.ts';
import type { InstallationReader, Installer, KeptFiles } from '../../src/installers/installer.ts';
import { runCommand } from '../../src/platform/command.ts';
import { hashFile } from '../../src/platform/files.ts';
import { md5 } from './program.ts';

interface Adapter {
  readonly title: string;
  readonly make: () => Installer;
  readonly kept: KeptFiles;
}

const reader = () => new InPlaceReader((path, _, algorithm) => hashFile(path, algorithm));

/** Every installer that replaces files has to keep the sentences of the role. */
export const INSTALLERS: readonly Adapter[] = [
  { title: 'in place', make: () => new InPlaceInstaller(reader(), runCommand), kept: new InPlaceKept() },
];

/** And every reader those of its own. */
export const READERS: readonly { readonly title: string; readonly make: () => InstallationReader }[] = [
  { title: 'in place', make: reader },
];

export function digestOf(bytes: Buffer): Digest {
  return digestFromHex('md5', md5(bytes)) ?? { algorithm: 'md5', hex: '' };
}

/** What is planned where these bytes are offered for what lies at the target now. */
export async function changeTo(target: string, bytes: Buffer): Promise<FileChange> {
  const artifact = { url: 'http://unused/', digest: digestOf(bytes), target };
  const installed = await reader().read(target, 'md5');
  if (installed.kind !== 'absent' && installed.kind !== 'present') throw new Error(installed.kind);
  return { artifact, installed };
}
