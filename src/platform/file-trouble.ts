import { errorText, type Fault, RunError, systemCode, UpdateError } from '../domain/errors.ts';

/** No room left, and what a person can do about it. */
const NO_SPACE: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on this file system (df -h, and df -i for its inodes).',
  EDQUOT: 'Free some space, or raise the quota.',
  EFBIG: 'The file system, or a limit of this process (ulimit -f), allows no larger file.',
};

const NO_PERMISSION: Readonly<Record<string, string>> = {
  EACCES: 'Run as root.',
  EPERM: 'Run as root; neither the file nor its directory may be immutable or append-only (lsattr -d).',
  EROFS: 'Mount this file system so that it can be written.',
};

/** The disk's own trouble, and no matter of permission. */
const DISK: ReadonlySet<string> = new Set([...Object.keys(NO_SPACE), 'EIO']);

const OTHERS: Readonly<Record<string, string>> = {
  EBUSY: 'A file that is itself a mount cannot be replaced: mount its directory.',
  EXDEV: 'A file that is itself a mount cannot be replaced: mount its directory, and nothing below its .bin-proxy.',
  EMFILE: 'Allow this process more open files (ulimit -n).',
  ENFILE: 'This host has too many open files.',
  EIO: 'Look at the disk (dmesg).',
};

export function isNoSpace(error: unknown): boolean {
  return Object.hasOwn(NO_SPACE, systemCode(error) ?? '');
}

/** What a person can do about an error of the file system; undefined where nothing is known. */
export function fileHint(error: unknown): string | undefined {
  const code = systemCode(error) ?? '';
  return NO_SPACE[code] ?? NO_PERMISSION[code] ?? OTHERS[code];
}

/** The same as what ends a run, where another place will do: `variable` is the setting that names it. */
export function placeTrouble(error: unknown, doing: string, variable: string): RunError {
  const hint = systemCode(error) === 'EACCES' ? undefined : fileHint(error);
  const code = DISK.has(systemCode(error) ?? '') ? 'disk-trouble' : 'no-permission';
  return new RunError(code, `${doing}: ${errorText(error)}`, {
    cause: error,
    hint:
      hint === undefined
        ? `Run as root, or set ${variable} to a place you may write.`
        : `${hint} Or set ${variable} to another place.`,
  });
}

/** An error of the file system as the reason for which one binary fails; never the release's fault (invariant 5). */
export function fileTrouble(error: unknown, fault: Fault, doing = ''): UpdateError {
  const hint = fileHint(error);
  const denied = Object.hasOwn(NO_PERMISSION, systemCode(error) ?? '');
  const reason = isNoSpace(error) ? 'no-space' : denied ? 'no-permission' : 'staging-failed';
  const message = doing === '' ? errorText(error) : `${doing}: ${errorText(error)}`;
  return new UpdateError({ reason, fault }, message, { cause: error, ...(hint !== undefined && { hint }) });
}
