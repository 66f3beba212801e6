import { ANY_PLATFORM, type Platform } from './platform.ts';

/** What the kernel would make of a file's first bytes. */
export type Executable =
  | { readonly kind: 'elf'; readonly bits: 32 | 64; readonly machine: number; readonly endian: 'little' | 'big' }
  | { readonly kind: 'script'; readonly interpreter: string }
  | { readonly kind: 'neither'; readonly begins: string };

/** Bytes needed by {@link readExecutable}: the kernel reads 256 for a `#!` line. */
export const HEADER_BYTES = 256;

interface Machine {
  readonly bits: 32 | 64;
  /** e_machine of the ELF specification. */
  readonly machine: number;
  /** Absent: Node has one name for both byte orders. */
  readonly endian?: 'little' | 'big';
}

/** The machines Node runs on. */
const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { bits: 64, machine: 62, endian: 'little' },
  ia32: { bits: 32, machine: 3, endian: 'little' },
  arm64: { bits: 64, machine: 183, endian: 'little' },
  arm: { bits: 32, machine: 40, endian: 'little' },
  ppc64: { bits: 64, machine: 21 },
  s390x: { bits: 64, machine: 22, endian: 'big' },
  riscv64: { bits: 64, machine: 243, endian: 'little' },
  loong64: { bits: 64, machine: 258, endian: 'little' },
  mips: { bits: 32, machine: 8, endian: 'big' },
  mipsel: { bits: 32, machine: 8, endian: 'little' },
};
/** 64-bit kernels that also run these 32-bit programs. */
const ALSO_RUNS: Readonly<Record<string, readonly string[]>> = { x64: ['ia32'], arm64: ['arm'] };

/** Reads an ELF identification or a `#!` line (elf(5), execve(2)). */
export function readExecutable(header: Uint8Array): Executable {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (bytes.length >= 20 && bytes.readUInt32BE(0) === 0x7f454c46) {
    const endian = bytes[5] === 2 ? 'big' : 'little';
    const machine = endian === 'big' ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);
    return { kind: 'elf', bits: bytes[4] === 2 ? 64 : 32, machine, endian };
  }
  const line = bytes.toString('latin1').split('\n', 1)[0] ?? '';
  const interpreter = /^#![ \t]*([^ \t]+)/.exec(line)?.[1];
  if (interpreter !== undefined) return { kind: 'script', interpreter };
  return { kind: 'neither', begins: bytes.subarray(0, 24).toString('latin1') };
}

/** Why a file cannot run on this architecture (as Node names it); undefined where it can. */
export function unfit(executable: Executable, arch: string): string | undefined {
  switch (executable.kind) {
    case 'script':
      // What the kernel would look for is a program whose name ends in CR.
      return executable.interpreter.endsWith('\r') ? 'its "#!" line ends in CR LF, expected LF' : undefined;
    case 'neither':
      return `expected an ELF program or "#!", found ${JSON.stringify(executable.begins)}`;
    case 'elf': {
      const wanted = [arch, ...(ALSO_RUNS[arch] ?? [])].flatMap((one) => MACHINES[one] ?? []);
      if (wanted.length === 0 || wanted.some((machine) => isFor(machine, executable))) return undefined;
      const found = Object.entries(MACHINES).find(([, machine]) => isFor(machine, executable))?.[0];
      return `built for ${found ?? `ELF machine ${executable.machine}`} (${form(executable)}), this host is ${arch}`;
    }
  }
}

/** Of machines whose name is not the same in Node's words and in those of releases. */
const RELEASE_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle' };

/**
 * The machine that a program is built for, in the words that releases use (`amd64`, `arm64`, `ppc64le`, …: those of
 * Go's GOARCH and of OCI images); undefined where the table has none.
 */
function machineName(elf: Elf): string | undefined {
  const found = Object.entries(MACHINES).find(([, machine]) => isFor(machine, elf))?.[0];
  if (found === 'ppc64' && elf.endian === 'little') return 'ppc64le';
  return found === undefined ? undefined : (RELEASE_NAMES[found] ?? found);
}

type Elf = Extract<Executable, { kind: 'elf' }>;

function isFor({ bits, machine, endian }: Machine, elf: Elf): boolean {
  return bits === elf.bits && machine === elf.machine && (endian ?? elf.endian) === elf.endian;
}

function form({ bits, endian }: Elf): string {
  return `${bits} bit, ${endian} endian`;
}

/** Read from an ELF header; undefined for a machine that has no name here. What is not ELF is for `any`. */
export function platformOf(executable: Executable): Platform | undefined {
  if (executable.kind !== 'elf') return ANY_PLATFORM;
  const machine = machineName(executable);
  return machine === undefined ? undefined : (`linux/${machine}` as Platform);
}
