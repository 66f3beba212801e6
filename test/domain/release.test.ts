import { describe, expect, it } from 'vitest';
import { linuxPlatform } from '../../src/domain/platform.ts';
import { type Artifact, releaseId, releaseNames, sameRelease } from '../../src/domain/release.ts';
import { md5Of, sha256Of } from '../planning/builders.ts';

const artifact = (digest: Artifact['digest'], also?: Artifact['also']): Artifact => ({
  url: 'http://releases.example/x',
  digest,
  target: '/usr/local/bin/app',
  ...(also !== undefined && { also }),
});
const [md5, sha256] = [`md5:${md5Of('a').hex}`, `sha256:${sha256Of('a').hex}`];

describe('the names of a release', () => {
  it('are its id, and the ids that its other digests would make', () => {
    const one = { version: '1', artifacts: [artifact(sha256Of('a'), [md5Of('a')])] } as const;
    expect(releaseId(one)).toBe(sha256);
    expect(releaseNames(one)).toBe(`${sha256} ${md5}`);
    expect(releaseNames({ version: '1', artifacts: [artifact(md5Of('a'))] })).toBe(md5);
  });

  it('of several files are only those that all of them have', () => {
    const both = artifact(sha256Of('a'), [md5Of('a')]);
    expect(releaseNames({ version: '1', artifacts: [both, both] })).toBe(`${sha256}+${sha256} ${md5}+${md5}`);
    expect(releaseNames({ version: '1', artifacts: [both, artifact(sha256Of('a'))] })).toBe(`${sha256}+${sha256}`);
  });
});

describe('two names', () => {
  const [otherMd5, otherSha256] = [`md5:${md5Of('b').hex}`, `sha256:${sha256Of('b').hex}`];

  it.each([
    [md5, md5],
    [`${sha256} ${md5}`, md5],
    [`${sha256} ${md5}`, sha256],
    [`${sha256} ${md5}`, `${sha256} ${md5}`],
    [`${md5}+${otherMd5}`, `${md5}+${otherMd5}`],
    // Whoever changes the weaker digest alone has not made another release.
    [`${sha256} ${md5}`, `${sha256} ${otherMd5}`],
  ])('are of one release: %s and %s', (a, b) => {
    expect([sameRelease(a, b), sameRelease(b, a)]).toEqual([true, true]);
  });

  it.each([
    [md5, otherMd5],
    [md5, sha256],
    ['', md5],
    [`${sha256} ${md5}`, otherMd5],
    [`${md5}+${otherMd5}`, md5],
    [`${md5}+${otherMd5}`, `${otherMd5}+${md5}`],
    // Two files of one md5 can be made; of one sha256 they cannot.
    [`${sha256} ${md5}`, `${otherSha256} ${md5}`],
  ])('are of two: %s and %s', (a, b) => {
    expect([sameRelease(a, b), sameRelease(b, a)]).toEqual([false, false]);
  });
});

describe('a platform', () => {
  it.each([
    ['x64', 'LE', 'linux/amd64'],
    ['ia32', 'LE', 'linux/386'],
    ['arm64', 'LE', 'linux/arm64'],
    ['arm', 'LE', 'linux/arm'],
    ['ppc64', 'LE', 'linux/ppc64le'],
    ['ppc64', 'BE', 'linux/ppc64'],
    ['s390x', 'BE', 'linux/s390x'],
    ['riscv64', 'LE', 'linux/riscv64'],
    ['loong64', 'LE', 'linux/loong64'],
    ['mips', 'BE', 'linux/mips'],
    ['mipsel', 'LE', 'linux/mipsle'],
  ] as const)('is named as in Go: %s, %s', (arch, endian, platform) => {
    expect(linuxPlatform(arch, () => endian)).toBe(platform);
  });
});
