import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
export async function demoCommand(_: Invocation): Promise<ExitCode> { return 0; }
