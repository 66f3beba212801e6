import { errorText, RunError } from '../domain/errors.ts';
import { fileHint } from '../platform/file-trouble.ts';
import { printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import { type ExitCode, exitCodeOfError, exitCodeOfUnexpected } from './exit-codes.ts';
import type { CommandName } from './flag-table.ts';
import { folded } from './fold.ts';
import { runCommand } from './run-command.ts';
import { bearClosedStreams } from './standard-streams.ts';
import { widthOf } from './terminal.ts';
import { parseTickArguments } from './tick-arguments.ts';

/** The program. Sets the exit code and returns; nothing here ends the process by force, so no line is lost. */
export async function main(argv: readonly string[]): Promise<void> {
  // A promise that never settles empties the event loop; that must not look like success.
  process.exitCode = 1;
  bearClosedStreams();
  process.once('beforeExit', () => {
    if (!ended) process.stderr.write('bin-proxy: ended without finishing; please report this\n');
  });
  let ended = false;
  process.exitCode = await run(argv);
  ended = true;
}

async function run(argv: readonly string[]): Promise<number> {
  try {
    if (argv[0] === 'little') return await (await import('./demo/stand-in.ts')).playPart(argv.slice(1));
    const invocation = parseTickArguments(argv) ?? (await fully(argv));
    return invocation === undefined ? 0 : await COMMANDS[invocation.command](invocation);
  } catch (error) {
    return await tellError(error, argv);
  }
}

/** Everything that is not a plain tick: help, version, mistakes. */
async function fully(argv: readonly string[]): Promise<Invocation | undefined> {
  const { parseFullArguments } = await import('./full-arguments.ts');
  const parsed = await parseFullArguments(argv);
  if (parsed.kind === 'invocation') return parsed.invocation;
  process.stdout.write(`${parsed.text}\n`);
  return undefined;
}

/** Everything but a plain tick is loaded when it is asked for. */
const COMMANDS: Readonly<Record<CommandName, (invocation: Invocation) => ExitCode | Promise<ExitCode>>> = {
  run: runCommand,
  plan: async (invocation) => (await import('./plan-command.ts')).planCommand(invocation),
  apply: async (invocation) => (await import('./apply-command.ts')).applyCommand(invocation),
  status: async (invocation) => (await import('./status-command.ts')).statusCommand(invocation),
  explain: async (invocation) => (await import('./explain-command.ts')).explainCommand(invocation),
  history: async (invocation) => (await import('./history-command.ts')).historyCommand(invocation),
  verify: async (invocation) => (await import('./verify-command.ts')).verifyCommand(invocation),
  unlock: async (invocation) => (await import('./unlock-command.ts')).unlockCommand(invocation),
  doctor: async (invocation) => (await import('./doctor/doctor-command.ts')).doctorCommand(invocation),
  config: async (invocation) => (await import('./config-command.ts')).configCommand(invocation),
  manifest: async (invocation) => (await import('./manifest-command.ts')).manifestCommand(invocation),
  install: async (invocation) => (await import('./install/install-command.ts')).installCommand(invocation),
  uninstall: async (invocation) => (await import('./install/uninstall-command.ts')).uninstallCommand(invocation),
  completion: async (invocation) => (await import('./completion-command.ts')).completionCommand(invocation),
  help: async (invocation) => (await import('./help-command.ts')).helpCommand(invocation),
  rollback: async (invocation) => (await import('./rollback-command.ts')).rollbackCommand(invocation),
  hold: async (invocation) => (await import('./hold-command.ts')).holdCommand(invocation),
  unhold: async (invocation) => (await import('./hold-command.ts')).holdCommand(invocation),
  retry: async (invocation) => (await import('./retry-command.ts')).retryCommand(invocation),
  demo: async (invocation) => (await import('./demo/demo-command.ts')).demoCommand(invocation),
};

async function tellError(error: unknown, argv: readonly string[]): Promise<ExitCode> {
  const prefix = (await import('../platform/journal-stream.ts')).journalPrefix('error');
  if (error instanceof RunError) {
    // cron would mail a busy lock every minute; the exit code tells those who ask.
    const silent = error.code === 'lock-held' && argv.some((word) => word === '--quiet' || word === '-q');
    if (!silent) {
      const lines = [`bin-proxy: ${error.message}`, ...(error.hint === undefined ? [] : [error.hint])];
      process.stderr.write(
        `${lines
          .flatMap((line) => line.split('\n'))
          .map((line) => `${prefix}${printableText(line)}`)
          .flatMap((line) => folded(line, widthOf(process.stderr) ?? Number.POSITIVE_INFINITY))
          .join('\n')}\n`,
      );
    }
    return exitCodeOfError(error.code);
  }
  const stack = error instanceof Error && argv.includes('-vv') ? `\n${error.stack ?? ''}` : '';
  const hint = fileHint(error);
  const todo = hint === undefined ? '' : `\n${hint}`;
  const code = exitCodeOfUnexpected(error);
  const what = code === 1 ? 'unexpected error: ' : '';
  process.stderr.write(`${prefix}bin-proxy: ${what}${printableText(errorText(error))}${todo}${stack}\n`);
  return code;
}
