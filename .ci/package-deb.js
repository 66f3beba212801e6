#!/usr/bin/env node
// `package-deb.js [EXECUTABLE [FOLDER [OPTION...]]]` makes a Debian package of the stand-alone executable (.ci/package.js)
// and of what its own `install` writes; OPTIONs are dpkg-deb's. Hosts need no Node then. Needs dpkg-deb(1).
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const [executable = join(root, 'dist', 'bin-proxy'), folder = join(root, 'dist'), ...options] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
const MANIFEST = '/etc/bin-proxy/bin-manifests.json';
const CONFFILES = ['/etc/bin-proxy/config', '/etc/cron.d/bin-proxy', '/etc/logrotate.d/bin-proxy'];
const PAGES = ['/usr/share/man/man8/bin-proxy.8', '/usr/share/man/man5/bin-manifests.5'];

const stage = mkdtempSync(join(tmpdir(), 'bin-proxy-deb-'));
try {
  chmodSync(stage, 0o755);
  const at = (path) => join(stage, path);
  execFileSync(resolve(executable), ['install', '--cron', '--prefix', '/usr', '--root', stage], { env: {}, stdio: 'pipe' });
  const manifest = readFileSync(at(MANIFEST), 'utf8');
  // dpkg knows what it has installed; and the manifest is written by the program, so it is no conffile.
  for (const path of ['/var', MANIFEST]) rmSync(at(path), { recursive: true });
  mkdirSync(at('/usr/bin'));
  copyFileSync(executable, at('/usr/bin/bin-proxy'));
  chmodSync(at('/usr/bin/bin-proxy'), 0o755);
  outliveRemoval(at('/etc/cron.d/bin-proxy'));
  for (const page of PAGES) {
    writeFileSync(`${at(page)}.gz`, gzipSync(readFileSync(at(page)), { level: 9 }));
    rmSync(at(page));
  }
  mkdirSync(at('/usr/share/doc/bin-proxy'), { recursive: true });
  copyFileSync(join(root, 'LICENSE'), at('/usr/share/doc/bin-proxy/copyright'));
  writeControl(at('/DEBIAN'), manifest);
  const result = join(resolve(folder), `bin-proxy_${version}_${architecture}.deb`);
  mkdirSync(dirname(result), { recursive: true });
  execFileSync('dpkg-deb', ['--root-owner-group', ...options, '--build', stage, result], { stdio: 'pipe' });
  process.stdout.write(`${result}: ${(statSync(result).size / 1e6).toFixed(1)} MB\n`);
} finally {
  rmSync(stage, { recursive: true });
}

/** A package that is removed, and not purged, leaves its conffiles: cron must not miss the program each minute. */
function outliveRemoval(file) {
  const text = readFileSync(file, 'utf8');
  const guarded = text.replace(' root BIN_PROXY', ' root test ! -x /usr/bin/bin-proxy || BIN_PROXY');
  if (guarded === text) throw new Error(`expected a job of root in ${file}, found none`);
  writeFileSync(file, guarded);
}

function writeControl(directory, manifest) {
  mkdirSync(directory);
  const control = [
    'Package: bin-proxy',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${process.env.DEBEMAIL ?? 'bin-proxy <root@localhost>'}`,
    `Installed-Size: ${Math.ceil(statSync(executable).size / 1024) + 64}`,
    'Depends: libc6, libstdc++6, libgcc-s1, util-linux, cron | cron-daemon',
    'Recommends: logrotate, supervisor',
    'Section: admin',
    'Priority: optional',
    'Description: keeps programs at the versions their release server names',
    ' Started by cron once a minute, it downloads, verifies, replaces, restarts and',
    ' watches programs, and goes back by itself when a release does not run.',
  ];
  writeFileSync(join(directory, 'control'), `${control.join('\n')}\n`);
  writeFileSync(join(directory, 'conffiles'), CONFFILES.map((path) => `${path}\n`).join(''));
  const script = (name, ...lines) =>
    writeFileSync(join(directory, name), ['#!/bin/sh', 'set -e', ...lines, ''].join('\n'), { mode: 0o755 });
  script('postinst', `if [ "$1" = configure ] && [ ! -e ${MANIFEST} ]; then`, `  cat > ${MANIFEST} <<'END'\n${manifest}END`, 'fi');
  script(
    'postrm',
    '# Backups beside the targets stay: "bin-proxy uninstall --purge", before, removes them as well.',
    'if [ "$1" = purge ]; then',
    `  rm -rf /var/lib/bin-proxy /run/bin-proxy /var/log/bin-proxy.log* ${MANIFEST}`,
    '  rmdir /etc/bin-proxy 2>/dev/null || true',
    'fi',
  );
}
