import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { shipped } from '../config/shipped.ts';
import { type Host, PROGRAM, runProgram } from '../support/host.ts';
import { hostTest, mountTest } from '../support/host-test.ts';
import { differences } from '../support/json-docs.ts';

interface Installed {
  readonly schema: string;
  readonly files: readonly { readonly path: string; readonly action: string; readonly offered?: string }[];
}

/** Every file below a directory, by its path there. */
function tree(root: string): readonly string[] {
  if (!existsSync(root)) return [];
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(root.length))
    .sort();
}

async function did(host: Host, ...words: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const root = join(host.directory, 'root');
  const ran = await host.run([...words, '--root', root, '--json']);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  const document = JSON.parse(ran.stdout) as Installed;
  expect(differences(document)).toEqual([]);
  return new Map(document.files.map(({ path, action }) => [path, action]));
}

const CONFIG = '/etc/bin-proxy/config';
const CRON = '/etc/cron.d/bin-proxy';
const LOGROTATE = '/etc/logrotate.d/bin-proxy';
const RECORD = '/var/lib/bin-proxy/installed.json';

describe.concurrent('bin-proxy install', () => {
  hostTest('writes what is shipped, once, and removes it again', async ({ host }) => {
    const root = join(host.directory, 'root');
    const at = (path: string) => join(root, path);

    const planned = await did(host, 'install', '--cron', '--dry-run');
    expect([...new Set(planned.values())]).toEqual(['write']);
    expect(existsSync(root)).toBe(false);

    const written = await did(host, 'install');
    expect(written).toEqual(planned);
    expect(tree(root)).toEqual([...written.keys(), RECORD].sort());
    expect(readFileSync(at(CONFIG), 'utf8')).toBe(shipped('config/config.example'));
    expect(readFileSync(at(CRON), 'utf8')).toBe(shipped('config/bin-proxy.cron'));
    expect(readFileSync(at(LOGROTATE), 'utf8')).toBe(shipped('config/bin-proxy.logrotate'));
    expect([CONFIG, CRON, dirname(CRON)].map((path) => statSync(at(path)).mode & 0o777)).toEqual([0o600, 0o644, 0o755]);
    expect([...new Set((await did(host, 'install')).values())]).toEqual(['same']);

    // The other way to start it takes the place of the first, and not both.
    expect((await did(host, 'install', '--timer')).get(CRON)).toBe('remove');
    expect(tree(root).filter((path) => /cron\.d|systemd/.test(path))).toEqual([
      '/etc/systemd/system/bin-proxy.service',
      '/etc/systemd/system/bin-proxy.timer',
    ]);

    await did(host, 'uninstall');
    expect(tree(root)).toEqual(['/etc/bin-proxy/bin-manifests.json']);
    expect(await did(host, 'uninstall')).toEqual(new Map());
  });

  hostTest('never writes over what was edited, and offers a new text beside it, as dpkg does', async ({ host }) => {
    const root = join(host.directory, 'root');
    const at = (path: string) => join(root, path);
    mkdirSync(dirname(at(CRON)), { recursive: true });
    writeFileSync(at(CRON), '# mine\n');
    expect((await did(host, 'install', '--cron')).get(CRON)).toBe('offer');
    expect(readFileSync(at(CRON), 'utf8')).toBe('# mine\n');
    expect(readFileSync(at(`${CRON}.dpkg-dist`), 'utf8')).toBe(shipped('config/bin-proxy.cron'));

    // What was offered is not offered again; edited settings stay; what an earlier version wrote is renewed.
    appendFileSync(at(CONFIG), 'export BIN_DIR=/opt\n');
    const record = JSON.parse(readFileSync(at(RECORD), 'utf8')) as { files: Record<string, string> };
    record.files[LOGROTATE] = record.files['/etc/bin-proxy/bin-manifests.json'] ?? '';
    writeFileSync(at(RECORD), JSON.stringify(record));
    writeFileSync(at(LOGROTATE), readFileSync(at('/etc/bin-proxy/bin-manifests.json')));
    const again = await did(host, 'install');
    expect([CRON, CONFIG, LOGROTATE].map((path) => again.get(path))).toEqual(['keep', 'keep', 'update']);
    expect(readFileSync(at(LOGROTATE), 'utf8')).toBe(shipped('config/bin-proxy.logrotate'));

    const removed = await did(host, 'uninstall');
    expect([CRON, CONFIG, LOGROTATE].map((path) => removed.get(path))).toEqual(['leave', 'leave', 'remove']);
    expect(tree(root)).toEqual(expect.arrayContaining([CRON, CONFIG, RECORD]));
  });

  hostTest(
    'purge removes all that is its own, no program, and nothing in the middle of an update',
    async ({ host }) => {
      const root = join(host.directory, 'root');
      const at = (path: string) => join(root, path);
      const make = (path: string, text = '') => {
        mkdirSync(dirname(at(path)), { recursive: true });
        writeFileSync(at(path), text);
      };
      await did(host, 'install', '--cron');
      make(CONFIG, 'export BIN_DIR=/opt/bin\nexport LOG_FILE=/var/log/bp.log\n');
      make('/etc/bin-proxy/bin-manifests.json', '{"binaries": [{"name": "a"}, {"name": "b", "path": "/srv/b"}]}');
      for (const path of ['/opt/bin/a', '/srv/b', '/var/log/bp.log.other']) make(path);
      for (const folder of ['/opt/bin', '/srv']) make(`${folder}/.bin-proxy/backups/x/former`);
      for (const path of ['/var/log/bp.log', '/var/log/bp.log.1', '/var/log/bp.log.2.gz']) make(path);
      make('/var/lib/bin-proxy/journal.json', '{}');

      const refused = await host.run(['uninstall', '--purge', '--root', root]);
      expect([refused.code, refused.stderr]).toEqual([20, expect.stringContaining('an update is unfinished')]);
      expect(tree(root)).toContain('/etc/bin-proxy/bin-manifests.json');
      make('/var/lib/bin-proxy/binaries/a.json', '{}');
      rmSync(at('/var/lib/bin-proxy/journal.json'));

      const planned = await did(host, 'uninstall', '--purge', '--dry-run');
      expect(tree(root).length).toBeGreaterThan(10);
      const purged = await did(host, 'uninstall', '--purge');
      expect([...purged]).toEqual([...planned]);
      expect(tree(root)).toEqual(['/opt/bin/a', '/srv/b', '/var/log/bp.log.other']);
    },
  );

  hostTest('purge leaves what others keep in the state directory, and says so', async ({ host }) => {
    const root = join(host.directory, 'root');
    const make = (path: string, text = '') => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    make(CONFIG, 'export BIN_PROXY_STATE_DIR=/srv/shared\n');
    const own = [
      'history.jsonl',
      'cache.json',
      'standstill.jsonl',
      'probation.json',
      'journal.json.damaged-20261121T081500000Z',
      '.cache.json.4194303-0123456789ab.tmp',
      'binaries/app.json',
      'binaries/app.json.damaged-20261121T081500000Z',
      'evidence/app.20261121T081500000Z-0badcafe.json',
    ];
    for (const name of own) make(`/srv/shared/${name}`);
    const others = ['accounts.db', 'binaries/tool', 'evidence.txt', 'logs/journal.json'];
    for (const name of others) make(`/srv/shared/${name}`);

    const planned = await did(host, 'uninstall', '--purge', '--dry-run');
    expect(tree(root)).toHaveLength(1 + own.length + others.length);
    const purged = await host.run(['uninstall', '--purge', '--root', root]);
    expect(tree(root)).toEqual(others.map((name) => `/srv/shared/${name}`));
    expect(planned.get('/srv/shared')).toBe('shared');
    expect(purged.stdout).toMatch(
      /^kept +\S+\/srv\/shared {2}\(not of bin-proxy: accounts\.db, binaries\/tool, evidence\.txt, logs\)$/m,
    );
    expect(existsSync(join(root, '/srv/shared/evidence'))).toBe(false);
  });

  hostTest('purge believes no config file that others can write', async ({ host }) => {
    const config = join(host.directory, 'config');
    writeFileSync(config, 'export BIN_PROXY_STATE_DIR=/srv\n');
    chmodSync(config, 0o666);
    // Nobody but root has something to lose to others; --dry-run, because it is this host itself.
    const ran = await host.run(['uninstall', '--purge', '--dry-run', '--config', config]);
    if (process.geteuid?.() !== 0) return expect(ran.code).toBe(0);
    expect([ran.code, ran.stdout]).toEqual([77, '']);
    expect(ran.stderr).toContain(`${config} must not be trusted: ${config} can be written by everybody`);
  });

  hostTest('leaves deleted what was deleted, and forgets an earlier prefix that is gone', async ({ host }) => {
    const root = join(host.directory, 'root');
    const at = (path: string) => join(root, path);
    const record = () => Object.keys((JSON.parse(readFileSync(at(RECORD), 'utf8')) as { files: object }).files);
    await did(host, 'install', '--cron', '--prefix', '/opt/old');
    for (const path of [LOGROTATE, CRON, '/opt']) rmSync(at(path), { recursive: true });

    const again = await host.run(['install', '--root', root]);
    for (const path of [LOGROTATE, CRON])
      expect(again.stdout).toMatch(
        new RegExp(`^not written  \\S+${path}  \\(deleted here; --force writes it\\)$`, 'm'),
      );
    expect([existsSync(at(LOGROTATE)), existsSync(at(CRON))]).toEqual([false, false]);
    expect(record()).toContain(LOGROTATE);
    expect(record().filter((path) => path.startsWith('/opt/'))).toEqual([]);

    // What is asked for by name was not deleted for good.
    const asked = await did(host, 'install', '--cron');
    expect([CRON, LOGROTATE].map((path) => asked.get(path))).toEqual(['write', 'skip']);
    expect((await did(host, 'install', '--force')).get(LOGROTATE)).toBe('write');
    expect(readFileSync(at(LOGROTATE), 'utf8')).toBe(shipped('config/bin-proxy.logrotate'));
  });

  hostTest('lets no two schedules start it, and takes over what nobody has edited', async ({ host }) => {
    const root = join(host.directory, 'root');
    const at = (path: string) => join(root, path);
    const make = (path: string, text: string) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    };
    const CRONTAB = '/var/spool/cron/crontabs/root';
    const LINK = '/etc/systemd/system/timers.target.wants/bin-proxy.timer';
    const refused = async (...words: readonly string[]) => {
      const before = tree(root);
      const ran = await host.run(['install', '--root', root, ...words]);
      expect([ran.code, ran.stdout, tree(root)]).toEqual([20, '', before]);
      return ran.stderr;
    };
    make(CRON, `${shipped('config/bin-proxy.cron')}# mine\n`);
    expect(await refused('--timer')).toMatch(
      /^bin-proxy: \/etc\/cron\.d\/bin-proxy starts bin-proxy already, and was edited here; with the timer .* twice/,
    );
    make(LINK, shipped('config/bin-proxy.timer'));
    expect(await refused()).toContain(`more than one schedule starts bin-proxy here: ${CRON}, ${LINK}`);
    expect(await refused('--cron', '--dry-run')).toContain(`${LINK} starts bin-proxy already; with ${CRON} `);
    rmSync(at(LINK));

    // A file as it is shipped is nobody's edit, whoever has copied it here.
    make(CRON, shipped('config/bin-proxy.cron'));
    expect((await did(host, 'install', '--timer')).get(CRON)).toBe('remove');
    expect(existsSync(at(CRON))).toBe(false);
    await did(host, 'uninstall');

    // A line of root's own is a schedule like any other, and stays alone.
    make(CRONTAB, '* * * * * /usr/local/bin/bin-proxy run --quiet\n');
    expect(await refused('--cron')).toContain(`${CRONTAB} starts bin-proxy already; with ${CRON} it would run twice`);
    const written = await did(host, 'install');
    expect(written.get(CRONTAB)).toBe('own');
    expect(tree(root).filter((path) => /cron\.d|systemd/.test(path))).toEqual([]);
  });

  mountTest('is not stuck where systemd cannot stop the timer', async () => {
    const script = [
      'for folder in /etc /var/lib /run; do mount -t tmpfs tmpfs "$folder" || exit 1; done',
      '"$@" install --timer --prefix /run/p; echo "timer $?"',
      '"$@" install --cron --prefix /run/p; echo "cron $?"',
      'grep -c systemd /var/lib/bin-proxy/installed.json',
      '"$@" install --timer --prefix /run/p; "$@" uninstall; echo "uninstall $?"; ls /etc/systemd/system',
    ].join('\n');
    const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, PROGRAM];
    const ran = await runProgram('unshare', args, { PATH: process.env['PATH'] ?? '' });
    expect(ran.stdout).toMatch(/^timer 1\n[\s\S]*^cron 0\n0\n[\s\S]*^uninstall 0\n$/m);
    // What was written is told in any case, and then what is missing.
    expect(ran.stdout).toMatch(/^written +\/etc\/systemd\/system\/bin-proxy\.timer$[\s\S]*^timer 1$/m);
    expect(ran.stderr).toContain('the files are written, but the timer is not started: systemctl daemon-reload: ');
    expect(ran.stderr).toContain('\nnothing starts bin-proxy yet\n');
    expect(ran.stderr).toContain(`\n${CRON} starts bin-proxy as before\n`);
    expect(ran.stderr).toContain('bin-proxy: warning: systemctl disable --now bin-proxy.timer: ');
    expect(ran.stdout).not.toContain('ran: ');
  });

  mountTest('leaves a timer off that was turned off, or whose units were deleted', async () => {
    const script = [
      'for folder in /etc /var/lib /run; do mount -t tmpfs tmpfs "$folder" || exit 1; done; mkdir /run/systemd/system -p',
      '"$@" install --prefix /run/p > /dev/null 2>&1; echo "new $?"',
      'echo; echo disabled; "$@" install --prefix /run/p; echo "code $?"',
      'rm /etc/systemd/system/bin-proxy.*',
      'echo; echo deleted; "$@" install --prefix /run/p; echo "code $?"; ls /etc/systemd/system',
      '"$@" install --prefix /run/p --json; "$@" install --prefix /run/p --force > /dev/null; echo "forced $?"',
      '"$@" install --prefix /run/p --timer --dry-run',
    ].join('\n');
    const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, PROGRAM];
    const ran = await runProgram('unshare', args, { PATH: process.env['PATH'] ?? '' });
    const off = 'Nothing starts bin-proxy: its timer is off, and stays off. bin-proxy install --timer';
    // No systemd runs here: whatever is to be enabled fails.
    expect(ran.stdout).toMatch(/^new 1\n/);
    const [, disabled = '', deleted = ''] = ran.stdout.split(/^(?:disabled|deleted)$/m);
    expect([disabled, deleted].map((text) => [text.includes(off), /^code (\d+)$/m.exec(text)?.[1]])).toEqual([
      [true, '0'],
      [true, '0'],
    ]);
    expect(disabled).toMatch(/^unchanged +\/etc\/systemd\/system\/bin-proxy\.timer$/m);
    expect(deleted).toMatch(/^not written +\/etc\/systemd\/system\/bin-proxy\.timer {2}\(deleted here/m);
    const json = JSON.parse(/^\{.*\}$/m.exec(deleted)?.[0] ?? '') as Installed;
    expect([json, differences(json)]).toEqual([expect.objectContaining({ off: 'timer', commands: [] }), []]);
    expect(deleted).toMatch(/^code 0\n\{/m);
    expect(deleted).toMatch(/^forced 1$/m);
    expect(deleted).toContain('would run: systemctl enable --now bin-proxy.timer');
  });

  mountTest('keeps the timer alone where it cannot be disabled', async () => {
    const wants = '/etc/systemd/system/timers.target.wants';
    const script = [
      'for folder in /etc /var/lib /run; do mount -t tmpfs tmpfs "$folder" || exit 1; done',
      `"$@" install --timer --prefix /run/p > /dev/null 2>&1; mkdir ${wants}`,
      `ln -s ../bin-proxy.timer ${wants}; mount -t tmpfs none ${wants}; ln -s ../bin-proxy.timer ${wants}`,
      `mount -o remount,ro ${wants}; "$@" install --cron --prefix /run/p; echo "code $?"`,
      'ls /etc/cron.d /etc/systemd/system; grep -c cron /var/lib/bin-proxy/installed.json',
      `umount ${wants}; rm ${wants}/*; "$@" install --cron --prefix /run/p > /dev/null; echo "then $?"; ls /etc/cron.d`,
    ].join('\n');
    const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, PROGRAM];
    const ran = await runProgram('unshare', args, { PATH: process.env['PATH'] ?? '' });
    expect(ran.stderr).toMatch(
      /timers\.target\.wants\/bin-proxy\.timer could not be disabled, and would .* beside cron; \/etc\/cron\.d\/bin-proxy was removed again$/m,
    );
    expect(ran.stdout).toMatch(/^removed +\/etc\/cron\.d\/bin-proxy$/m);
    expect(ran.stdout).toMatch(
      /^code 20\n\/etc\/cron\.d:\n\n\/etc\/systemd\/system:\nbin-proxy\.service\nbin-proxy\.timer\n/m,
    );
    expect(ran.stdout).toMatch(/^0\nthen 0\nbin-proxy$/m);
  });

  hostTest('says what it would do, and refuses what would start it twice', async ({ host }) => {
    const root = join(host.directory, 'root');
    const told = await host.run(['install', '--root', root, '--timer', '--dry-run']);
    expect(told.stdout).toMatch(/^would write {2}\S+\/root\/etc\/bin-proxy\/config$/m);
    expect(told.stdout).toContain('Nothing was changed.');
    expect((await host.run(['install', '--cron', '--timer', '--root', root])).code).toBe(2);
  });
});
