import { type BinaryName, isBinaryName, isVersionName, type VersionName } from '../domain/names.ts';
import { isPlatform, type Platform } from '../domain/platform.ts';

/** Reads words of a command line or of a request; each passes over what is not there, and throws for what cannot be. */
export interface WordReader {
  readonly name: (text: string | undefined) => BinaryName | undefined;
  readonly version: (text: string | undefined) => VersionName | undefined;
  readonly channel: (text: string | undefined) => VersionName | undefined;
  readonly platform: (text: string | undefined) => Platform | undefined;
}

/** `refusal` makes the error of one that says what was expected, and what was found. */
export function wordReader(refusal: (message: string) => Error): WordReader {
  const reader =
    <T extends string>(is: (text: string) => text is T, expected: string) =>
    (text: string | undefined): T | undefined => {
      if (text === undefined || is(text)) return text;
      throw refusal(`expected ${expected}, found ${JSON.stringify(text)}`);
    };
  return {
    name: reader(isBinaryName, 'a name of letters, digits, ".", "_" and "-"'),
    version: reader(isVersionName, 'a version such as "1.4.2"'),
    channel: reader(isVersionName, 'a channel such as "stable"'),
    platform: reader(isPlatform, 'a platform such as "linux/amd64", or "any"'),
  };
}
