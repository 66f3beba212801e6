import { columns } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { terminal } from './terminal.ts';

/** `bin-proxy help exit-codes`. Everything else that `help` answers is a text of yargs. */
export function helpCommand({ output, color }: Invocation): ExitCode {
  const out = terminal(color);
  if (output === 'json') {
    const exitCodes = EXIT_CODES.map(([code, meaning]) => ({ code, meaning }));
    out.data(JSON.stringify({ schema: 'bin-proxy/exit-codes/1', exitCodes }));
    return 0;
  }
  for (const cells of columns(EXIT_CODES.map(([code, meaning]) => [String(code), meaning]))) out.line(cells.join('  '));
  return 0;
}
