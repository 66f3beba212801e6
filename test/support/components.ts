import { execFileSync } from 'node:child_process';
import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { commandPath } from '../../src/platform/command.ts';
import { fetchNewerNodes } from './newer-nodes.ts';

/** What the tests use of the machine: by which file each is known, and in which Debian packages it comes. */
const COMPONENTS = {
  supervisord: { files: ['supervisord'], packages: ['supervisor'] },
  supervisorctl: { files: ['supervisorctl'], packages: ['supervisor'] },
  cc: { files: ['cc', '/usr/include/stdio.h'], packages: ['gcc', 'libc6-dev'] },
  setcap: { files: ['setcap'], packages: ['libcap2-bin'] },
  getcap: { files: ['getcap'], packages: ['libcap2-bin'] },
  setfattr: { files: ['setfattr'], packages: ['attr'] },
  getfattr: { files: ['getfattr'], packages: ['attr'] },
  cron: { files: ['cron'], packages: ['cron'] },
  crontab: { files: ['crontab'], packages: ['cron'] },
  'systemd-analyze': { files: ['systemd-analyze'], packages: ['systemd'] },
  logrotate: { files: ['logrotate'], packages: ['logrotate'] },
  openssl: { files: ['openssl'], packages: ['openssl'] },
  nginx: { files: ['nginx'], packages: ['nginx'] },
  promtool: { files: ['promtool'], packages: ['prometheus'] },
  tinyproxy: { files: ['tinyproxy'], packages: ['tinyproxy-bin'] },
  strace: { files: ['strace'], packages: ['strace'] },
  strip: { files: ['strip'], packages: ['binutils'] },
  curl: { files: ['curl'], packages: ['curl'] },
  jq: { files: ['jq'], packages: ['jq'] },
  flock: { files: ['flock'], packages: ['util-linux'] },
  script: { files: ['script'], packages: ['bsdutils'] },
  setpriv: { files: ['setpriv'], packages: ['util-linux'] },
  unshare: { files: ['unshare', 'nsenter'], packages: ['util-linux'] },
  mount: { files: ['mount', 'umount', 'losetup'], packages: ['mount'] },
  chattr: { files: ['chattr'], packages: ['e2fsprogs'] },
  'mkfs.ext4': { files: ['mkfs.ext4'], packages: ['e2fsprogs'] },
  'mkfs.xfs': { files: ['mkfs.xfs'], packages: ['xfsprogs'] },
  'mkfs.btrfs': { files: ['mkfs.btrfs'], packages: ['btrfs-progs'] },
  chromium: { files: ['chromium'], packages: ['chromium'] },
  zstd: { files: ['zstd'], packages: ['zstd'] },
  bash: { files: ['bash'], packages: ['bash'] },
  zsh: { files: ['zsh'], packages: ['zsh'] },
  fish: { files: ['fish'], packages: ['fish'] },
  man: { files: ['man', 'groff'], packages: ['man-db', 'groff-base'] },
  mandoc: { files: ['mandoc'], packages: ['mandoc'] },
  'dpkg-deb': { files: ['dpkg-deb', 'dpkg'], packages: ['dpkg'] },
  faketime: { files: ['faketime'], packages: ['faketime'] },
} as const satisfies Record<string, { readonly files: readonly string[]; readonly packages: readonly string[] }>;

export type Component = keyof typeof COMPONENTS;

/** A package's own scripts ask this file whether they may start its service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Mount namespaces, foreign owners and file capabilities need it. */
export const isRoot = process.geteuid?.() === 0;

/** Under CI nothing may be left out in silence. */
export const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** For `describe.skipIf(!has('supervisord', 'cc'))`. */
export function has(...components: readonly Component[]): boolean {
  return components.every((component) => COMPONENTS[component].files.every(isThere));
}

/** What is missing and the one line that installs it; undefined where nothing is. */
export function missingComponents(): string | undefined {
  const packages = missingPackages();
  if (packages.length === 0) return undefined;
  const sudo = isRoot ? '' : 'sudo ';
  return [
    `The tests need packages that are missing here: ${packages.join(', ')}. On Debian or Ubuntu this installs them:`,
    `  ${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  ].join('\n');
}

/** vitest's global set-up: root gets what is missing; everybody else is told, and the tests that need it are skipped. */
export function setup(): void {
  // A user's PATH has no sbin, where half of these are. The test processes inherit it.
  process.env['PATH'] = commandPath();
  const packages = missingPackages();
  if (packages.length > 0 && isRoot && isThere('apt-get')) install(packages);
  const trouble = fetchNewerNodes();
  if (trouble !== undefined && isCi) throw new Error(`${trouble}\nUnder CI no test is skipped.`);
  if (trouble !== undefined) process.stderr.write(`${trouble}\nThe tests with newer Nodes are skipped.\n`);
  const missing = missingComponents();
  if (missing === undefined) return;
  if (isCi) throw new Error(`${missing}\nUnder CI no test is skipped.`);
  process.stderr.write(`${missing}\nUntil then the tests that need them are skipped.\n\n`);
}

function missingPackages(): readonly string[] {
  const missing = Object.values(COMPONENTS).filter(({ files }) => !files.every(isThere));
  return [...new Set(missing.flatMap(({ packages }) => packages))];
}

function isThere(file: string): boolean {
  const places = isAbsolute(file)
    ? [file]
    : commandPath()
        .split(':')
        .map((directory) => join(directory, file));
  return places.some((place) => {
    try {
      accessSync(place, isAbsolute(file) ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What cannot be installed is still missing afterwards, and said then. */
function install(packages: readonly string[]): void {
  process.stderr.write(`Installing what the tests need: ${packages.join(', ')}\n`);
  const refusal = refuseServiceStarts();
  try {
    aptGet('update');
    aptGet('install', '-y', '--no-install-recommends', ...packages);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    if (refusal === 'ours') rmSync(SERVICE_POLICY);
  }
}

function aptGet(...args: readonly string[]): void {
  execFileSync('apt-get', ['-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** The tests start their own supervisord and cron; the machine's must not begin to run because of them. */
function refuseServiceStarts(): 'ours' | 'theirs' {
  try {
    writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 });
    return 'ours';
  } catch {
    return 'theirs';
  }
}
