import { type Executable, machineName } from './executable.ts';

declare const brand: unique symbol;

/** What an artifact runs on: `linux/amd64`, `linux/arm64`, …, or `any` for what no machine has a say in, as a script. */
export type Platform = string & { readonly [brand]: 'Platform' };

export const PLATFORM = /^(any|[a-z0-9]{1,32}\/[a-z0-9]{1,32})$/;
export const ANY_PLATFORM = 'any' as Platform;
/** What an answer speaks of where nobody said which platform he has. */
export const USUAL_PLATFORM = 'linux/amd64' as Platform;

export function isPlatform(text: string): text is Platform {
  return PLATFORM.test(text);
}

/** Read from an ELF header; undefined for a machine that has no name here. What is not ELF is for `any`. */
export function platformOf(executable: Executable): Platform | undefined {
  if (executable.kind !== 'elf') return ANY_PLATFORM;
  const machine = machineName(executable);
  return machine === undefined ? undefined : (`linux/${machine}` as Platform);
}

/** `linux-amd64`: the platform as one path segment (invariant 10). */
export function platformSegment(platform: Platform): string {
  return platform.replace('/', '-');
}
