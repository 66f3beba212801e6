import { constants } from 'node:fs';
import { access, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UpdateError } from '../domain/errors.ts';
import { HEADER_BYTES, readExecutable, unfit } from '../domain/executable.ts';
import type { RunCommand } from '../platform/command.ts';

const CHECK_TIMEOUT_MS = 30_000;

/**
 * Invariant 2: a file in this place can be executed at all, which a file system that is mounted noexec forbids. Asked of
 * the empty file, before anything is downloaded. Throws `UpdateError` `not-runnable`.
 */
export async function mustBeExecutableHere(handle: FileHandle, path: string): Promise<void> {
  await handle.chmod(0o700);
  try {
    await access(path, constants.X_OK);
  } catch (error) {
    const place = dirname(path);
    throw new UpdateError(
      { reason: 'not-runnable', fault: 'setup' },
      `nothing in ${place} can be executed: mounted noexec?`,
      {
        cause: error,
        hint: 'Mount it with exec, or set "path" to another place, or "mode" to "0644" if the file itself is not executed.',
      },
    );
  }
  await handle.chmod(0o600);
}

/** Invariant 2: the staged bytes can run on this machine. Throws `UpdateError` `not-runnable`. */
export async function mustRunHere(staged: FileHandle): Promise<void> {
  const { buffer, bytesRead } = await staged.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
  if (bytesRead === 0) throw new UpdateError({ reason: 'not-runnable', fault: 'release' }, 'the release is empty');
  const why = unfit(readExecutable(buffer.subarray(0, bytesRead)), process.arch);
  if (why === undefined) return;
  throw new UpdateError({ reason: 'not-runnable', fault: 'release' }, `the release cannot run here: ${why}`, {
    hint: 'Publish a build for this architecture.',
  });
}

/**
 * Runs the manifest's own check on the staged file. Where it fails, the same check on the former file tells whether the
 * release or the host is to blame (invariant 5). Throws `UpdateError` `check-failed`.
 */
export async function mustPassCheck(
  check: readonly [string, ...string[]],
  files: { readonly staged: string; readonly former: string | undefined },
  run: RunCommand,
): Promise<void> {
  const trouble = await checkTrouble(check, files.staged, run);
  if (trouble === undefined) return;
  if (trouble.kind === 'no-tool') {
    throw new UpdateError({ reason: 'check-failed', fault: 'host' }, `the check ${trouble.text}`, {
      hint: 'Install the program that "check" names, or correct it in the manifest.',
    });
  }
  const formerFails = files.former !== undefined && (await checkTrouble(check, files.former, run)) !== undefined;
  const also = formerFails ? '; the installed version fails it too' : '';
  throw new UpdateError(
    { reason: 'check-failed', fault: formerFails ? 'host' : 'release' },
    `the check ${trouble.text}${also}`,
  );
}

interface CheckTrouble {
  readonly kind: 'bad' | 'no-tool';
  readonly text: string;
}

async function checkTrouble(
  [program, ...args]: readonly [string, ...string[]],
  file: string,
  run: RunCommand,
): Promise<CheckTrouble | undefined> {
  const [filled = '', ...rest] = [program, ...args].map((word) => word.replaceAll('{file}', file));
  const result = await run(filled, rest, { timeoutMs: CHECK_TIMEOUT_MS });
  const name = JSON.stringify([program, ...args].join(' '));
  const bad = (text: string): CheckTrouble => ({ kind: 'bad', text: `${name} ${text}` });
  switch (result.kind) {
    case 'exited':
      return result.code === 0 ? undefined : bad(`exited with ${result.code}${said(result.stderr || result.stdout)}`);
    case 'killed':
      return bad(`was ended: ${result.why}`);
    case 'not-found':
    case 'not-started': {
      const text = `${name} could not be started: ${result.kind === 'not-found' ? 'no such program' : result.why}`;
      // Where the release is the program, that it does not start is its own fault; a tool of the host is not.
      return { kind: program.includes('{file}') ? 'bad' : 'no-tool', text };
    }
  }
}

function said(output: string): string {
  const line = output.trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : `, saying ${JSON.stringify(line.slice(0, 200))}`;
}
