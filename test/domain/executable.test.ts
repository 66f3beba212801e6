import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_BYTES, readExecutable, unfit } from '../../src/domain/executable.ts';

interface Elf {
  readonly bits: 32 | 64;
  readonly machine: number;
  readonly endian?: 'little' | 'big';
}

/** The first 64 bytes of an ELF program (elf(5)). */
function elf({ bits, machine, endian = 'little' }: Elf): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes[4] = bits === 64 ? 2 : 1;
  bytes[5] = endian === 'big' ? 2 : 1;
  bytes[6] = 1;
  if (endian === 'big') bytes.writeUInt16BE(machine, 18);
  else bytes.writeUInt16LE(machine, 18);
  return bytes;
}

const X64: Elf = { bits: 64, machine: 62 };
const IA32: Elf = { bits: 32, machine: 3 };
const X32: Elf = { bits: 32, machine: 62 };
const ARM64: Elf = { bits: 64, machine: 183 };
const ARM64_BIG: Elf = { ...ARM64, endian: 'big' };
const ARM: Elf = { bits: 32, machine: 40 };
const MIPS: Elf = { bits: 32, machine: 8, endian: 'big' };
const MIPSEL: Elf = { bits: 32, machine: 8 };
const S390X: Elf = { bits: 64, machine: 22, endian: 'big' };
const PPC64: Elf = { bits: 64, machine: 21, endian: 'big' };
const PPC64LE: Elf = { bits: 64, machine: 21 };
const RISCV: Elf = { bits: 64, machine: 243 };
const ALPHA: Elf = { bits: 64, machine: 36_902 };

describe('the first bytes of a program', () => {
  it.each<[string, Elf]>([
    ['64 bit, little endian', X64],
    ['32 bit', IA32],
    ['64 bit, big endian', S390X],
    ['32 bit, big endian', MIPS],
  ])('are read as ELF: %s', (_, program) => {
    expect(readExecutable(elf(program))).toEqual({ kind: 'elf', endian: 'little', ...program });
  });

  it.each([
    ['#!/bin/sh\necho hello\n', '/bin/sh'],
    ['#! /usr/bin/env node\n', '/usr/bin/env'],
    ['#!\t/bin/sh -e', '/bin/sh'],
    ['#!/bin/sh', '/bin/sh'],
    ['#!/bin/sh \n', '/bin/sh'],
    ['#!/bin/sh\r\n', '/bin/sh\r'],
  ])('are read as a script: %j', (text, interpreter) => {
    expect(readExecutable(Buffer.from(text))).toEqual({ kind: 'script', interpreter });
  });

  it.each([
    ['', ''],
    ['<!DOCTYPE html><html><head>', '<!DOCTYPE html><html><he'],
    ['{"code":404}', '{"code":404}'],
    ['\x7fELF', '\x7fELF'],
    ['\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>', '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>'],
    ['#!', '#!'],
    ['#!\n/bin/sh', '#!\n/bin/sh'],
    ['#! \t \n', '#! \t \n'],
    [' #!/bin/sh', ' #!/bin/sh'],
    ['\ufeff#!/bin/sh', 'ï»¿#!/bin/sh'],
    ['MZ\x90\0', 'MZÂ\x90\0'],
  ])('are neither: %j', (text, begins) => {
    expect(readExecutable(Buffer.from(text))).toEqual({ kind: 'neither', begins });
  });

  it('are read from a view into a larger buffer', () => {
    const padded = Buffer.concat([Buffer.from('#!/wrong'), elf(X64), Buffer.from('tail')]);
    expect(readExecutable(padded.subarray(8, 72))).toMatchObject({ kind: 'elf', machine: 62 });
  });

  it('of this very Node can run here, and so can those of a real script', () => {
    expect(
      unfit(readExecutable(readFileSync(process.execPath).subarray(0, HEADER_BYTES)), process.arch),
    ).toBeUndefined();
    expect(unfit({ kind: 'script', interpreter: '/bin/sh' }, process.arch)).toBeUndefined();
  });

  it('are something, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: HEADER_BYTES }), (bytes) => {
        expect(['elf', 'script', 'neither']).toContain(readExecutable(bytes).kind);
      }),
    );
  });
});

describe('what runs on an architecture (invariant 2)', () => {
  it.each<[string, Elf]>([
    ['x64', X64],
    ['x64', IA32],
    ['ia32', IA32],
    ['arm64', ARM64],
    ['arm64', ARM],
    ['arm', ARM],
    ['mips', MIPS],
    ['mipsel', MIPSEL],
    ['s390x', S390X],
    ['riscv64', RISCV],
    // Node calls both byte orders of this one ppc64.
    ['ppc64', PPC64],
    ['ppc64', PPC64LE],
    // Nobody knows better than the kernel of a machine that is not in the table.
    ['sparc128', ALPHA],
  ])('%s runs %o', (arch, program) => {
    expect(unfit(readExecutable(elf(program)), arch)).toBeUndefined();
  });

  it.each<[string, Elf, string]>([
    ['x64', ARM64, 'built for arm64 (64 bit, little endian), this host is x64'],
    ['arm64', X64, 'built for x64 (64 bit, little endian), this host is arm64'],
    ['ia32', X64, 'built for x64 (64 bit, little endian), this host is ia32'],
    ['arm', ARM64, 'built for arm64 (64 bit, little endian), this host is arm'],
    ['x64', X32, 'built for ELF machine 62 (32 bit, little endian), this host is x64'],
    ['x64', ALPHA, 'built for ELF machine 36902 (64 bit, little endian), this host is x64'],
    ['x64', S390X, 'built for s390x (64 bit, big endian), this host is x64'],
    ['mips', MIPSEL, 'built for mipsel (32 bit, little endian), this host is mips'],
    ['mipsel', MIPS, 'built for mips (32 bit, big endian), this host is mipsel'],
    ['arm64', ARM64_BIG, 'built for ELF machine 183 (64 bit, big endian), this host is arm64'],
  ])('%s does not run %o', (arch, program, why) => {
    expect(unfit(readExecutable(elf(program)), arch)).toBe(why);
  });

  it('is no script whose lines end in CR LF: the kernel looks for an interpreter of another name', () => {
    const script = readExecutable(Buffer.from('#!/bin/sh\r\necho hello\r\n'));
    expect(unfit(script, 'x64')).toBe('its "#!" line ends in CR LF, expected LF');
  });

  it('is never an HTML page, and the message shows how it begins', () => {
    const page = readExecutable(Buffer.from('<!DOCTYPE html>\n<html>'));
    expect(unfit(page, 'x64')).toBe(String.raw`expected an ELF program or "#!", found "<!DOCTYPE html>\n<html>"`);
  });
});
