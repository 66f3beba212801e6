/** What the kernel would make of a file's first bytes. */
export type Executable =
  | { readonly kind: 'elf'; readonly bits: 32 | 64; readonly machine: number; readonly endian: 'little' | 'big' }
  | { readonly kind: 'script'; readonly interpreter: string }
  | { readonly kind: 'neither'; readonly begins: string };

/** Bytes needed by {@link readExecutable}: the kernel reads 256 for a `#!` line. */
export const HEADER_BYTES = 256;

/** e_machine of the ELF specification, for the machines Node runs on. */
const MACHINES: Readonly<Record<string, { readonly bits: 32 | 64; readonly machine: number }>> = {
  x64: { bits: 64, machine: 62 },
  ia32: { bits: 32, machine: 3 },
  arm64: { bits: 64, machine: 183 },
  arm: { bits: 32, machine: 40 },
  ppc64: { bits: 64, machine: 21 },
  s390x: { bits: 64, machine: 22 },
  riscv64: { bits: 64, machine: 243 },
  loong64: { bits: 64, machine: 258 },
  mips: { bits: 32, machine: 8 },
  mipsel: { bits: 32, machine: 8 },
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
  const interpreter = /^#![ \t]*([^ \t\r]+)/.exec(line)?.[1];
  if (interpreter !== undefined) return { kind: 'script', interpreter };
  return { kind: 'neither', begins: bytes.subarray(0, 24).toString('latin1') };
}

/** Why a file cannot run on this architecture (as Node names it); undefined where it can. */
export function unfit(executable: Executable, arch: string): string | undefined {
  switch (executable.kind) {
    case 'script':
      return undefined;
    case 'neither':
      return `expected an ELF program or "#!", found ${JSON.stringify(executable.begins)}`;
    case 'elf': {
      const wanted = [arch, ...(ALSO_RUNS[arch] ?? [])].flatMap((one) => MACHINES[one] ?? []);
      const fits = wanted.some(({ bits, machine }) => bits === executable.bits && machine === executable.machine);
      if (fits || wanted.length === 0) return undefined;
      const found = Object.keys(MACHINES).find((one) => {
        return MACHINES[one]?.machine === executable.machine && MACHINES[one].bits === executable.bits;
      });
      return `built for ${found ?? `ELF machine ${executable.machine}`} (${executable.bits} bit), this host is ${arch}`;
    }
  }
}
