declare const brand: unique symbol;

/** What an artifact runs on: `linux/amd64`, `linux/arm64`, …, or `any` for what no machine has a say in, as a script. */
export type Platform = string & { readonly [brand]: 'Platform' };

export const PLATFORM = /^(any|[a-z0-9]{1,32}\/[a-z0-9]{1,32})$/;
export const ANY_PLATFORM = 'any' as Platform;
/** What an answer speaks of where nobody said which platform he has. */
export const USUAL_PLATFORM = 'linux/amd64' as Platform;

/** Architectures that Go calls otherwise than Node does; every other one has one name in both. */
const GO_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle' };

export function isPlatform(text: string): text is Platform {
  return PLATFORM.test(text);
}

/**
 * A Linux host as releases name it: `linux/` and the architecture's name in Go.
 * @param arch as Node names it
 * @param endian as Node names it; it is asked for `ppc64` alone, which is two platforms
 */
export function linuxPlatform(arch: string, endian: () => 'BE' | 'LE'): Platform {
  if (arch === 'ppc64' && endian() === 'LE') return 'linux/ppc64le' as Platform;
  return `linux/${GO_NAMES[arch] ?? arch}` as Platform;
}

/** `linux-amd64`: the platform as one path segment (invariant 10). */
export function platformSegment(platform: Platform): string {
  return platform.replace('/', '-');
}
