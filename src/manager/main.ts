import { errorText } from '../domain/errors.ts';
import { printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import { type ExitCode, exitCodeOfError, hintOf } from './exit-codes.ts';
import { StopSignals } from './stop-signals.ts';

/** What is published is for everybody to read, whatever the umask of who publishes it. */
const UMASK = 0o022;

/** The program. Sets the exit code and returns, so that no line is lost. */
export async function main(argv: readonly string[]): Promise<void> {
  // A promise that never settles empties the event loop; that must not look like success.
  process.exitCode = 1;
  let ended = false;
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.once('beforeExit', () => {
    if (!ended) process.stderr.write('bin-manager: ended without finishing; please report this\n');
  });
  process.umask(UMASK);
  process.exitCode = await run(argv);
  ended = true;
}

async function run(argv: readonly string[]): Promise<ExitCode> {
  const signals = new StopSignals();
  const { signal } = signals;
  try {
    const { parseArguments } = await import('./command-line.ts');
    const parsed = await parseArguments(argv);
    if (parsed.kind === 'invocation') return await dispatch(parsed.invocation, signals);
    process.stdout.write(`${parsed.text}\n`);
    return 0;
  } catch (error) {
    return tellError(signal.aborted ? signal.reason : error);
  }
}

async function dispatch(invocation: Invocation, signals: StopSignals): Promise<ExitCode> {
  const { signal } = signals;
  switch (invocation.command) {
    case 'publish':
      return (await import('./publish-command.ts')).publishCommand(invocation, signal);
    case 'list':
      return (await import('./list-command.ts')).listCommand(invocation);
    case 'show':
      return (await import('./list-command.ts')).showCommand(invocation);
    case 'promote':
      return (await import('./channel-commands.ts')).promoteCommand(invocation, signal);
    case 'withdraw':
      return (await import('./channel-commands.ts')).withdrawCommand(invocation, signal);
    case 'prune':
      return (await import('./prune-command.ts')).pruneCommand(invocation, signal);
    case 'verify':
      return (await import('./verify-command.ts')).verifyCommand(invocation, signal);
    case 'export':
      return (await import('./export-command.ts')).exportCommand(invocation, signal);
    case 'serve':
      return (await import('./serve-command.ts')).serveCommand(invocation, signals);
  }
}

function tellError(error: unknown): ExitCode {
  const code = exitCodeOfError(error);
  const hint = hintOf(error);

  const message = code === 1 ? `unexpected error: ${errorText(error)}` : errorText(error);
  const lines = [`bin-manager: ${message}`, hint].filter((line) => line !== undefined && line !== '');
  process.stderr.write(`${lines.map((line) => printableText(line ?? '')).join('\n')}\n`);
  return code;
}
