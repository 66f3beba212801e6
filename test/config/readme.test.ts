import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { FLAGS, type FlagRow, isCommand } from '../../src/cli/flag-table.ts';
import { parseFullArguments } from '../../src/cli/full-arguments.ts';
import { wantedFiles } from '../../src/cli/install/installed-files.ts';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import type { BinaryName } from '../../src/domain/names.ts';
import { emptyRecord } from '../../src/domain/record.ts';
import { remember } from '../../src/planning/quarantine.ts';
import { parseManifest } from '../../src/store/manifest-parse.ts';
import { manifestJsonSchema } from '../../src/store/manifest-schema.ts';
import { anchors, codeBlocks, links, section, table, unticked } from './markdown.ts';
import { folderTest, shipped, shippedPath } from './shipped.ts';

const readme = shipped('README.md');
const [commands, settings, manifest, ticks, atNight, server] = [
  'commands',
  'settings',
  'manifest',
  'ticks',
  'at-3-am',
  'release-server',
].map((name) => `\n${shipped(`docs/${name}.md`)}`) as [string, string, string, string, string, string];
/** What a reader of the README is led to, by its path. */
const pages: ReadonlyMap<string, string> = new Map([
  ['README.md', readme],
  ...readdirSync(shippedPath('docs')).map((name) => [`docs/${name}`, shipped(`docs/${name}`)] as const),
]);
const PLACE = { file: 'bin-manifests.json', binDir: '/usr/local/bin' };

describe('the table', () => {
  it('of commands names those that there are', async () => {
    const parsed = await parseFullArguments(['--help']);
    const help = parsed.kind === 'text' ? parsed.text : '';
    const inHelp = [
      ...section(`\n${help.replace('Commands:', '## Commands\n')}`, '## Commands').matchAll(/^ {2}bin-proxy (\w+)/gm),
    ];
    const names = table(readme, 'command').map(([command = '']) => unticked(command).split(' ')[1] ?? '');
    expect(names.every(isCommand)).toBe(true);
    expect(names.sort()).toEqual(
      [...new Set(inHelp.map(([, name]) => name))].filter((name) => isCommand(name ?? '')).sort(),
    );
  });

  it('of flags says what the help says', () => {
    const rows = table(commands, 'flag').map((row) => row.map(unticked));
    const expected = (FLAGS as readonly FlagRow[]).map(({ flag, short, placeholder, meaning }) => {
      const long = placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`;
      return [short === undefined ? long : `-${short}, ${long}`, meaning];
    });
    expect(rows).toEqual([...expected, ['-h, --help', 'this text'], ['-V, --version', 'the version']]);
  });

  it('of settings is the table of the program', () => {
    const rows = table(settings, 'variable').map((row) => row.map(unticked));
    expect(rows).toEqual(
      SETTINGS.map(({ variable, flag, placeholder, fallback, meaning }) => {
        return [variable, flag === '' ? '-' : `--${flag} ${placeholder}`, fallback ?? '-', meaning];
      }),
    );
  });

  it('of exit codes is the table of the program', () => {
    const rows = table(section(commands, '## Exit codes'), 'code').map(([code, meaning]) => [Number(code), meaning]);
    expect(rows).toEqual(EXIT_CODES);
  });

  it('of manifest fields is the schema, and every example is taken without a warning', () => {
    const schema = manifestJsonSchema() as {
      properties: { binaries: { items: { properties: Record<string, { description: string; default?: unknown }> } } };
    };
    const { properties } = schema.properties.binaries.items;
    const rows = table(manifest, 'field').map((row) => row.map(unticked));
    expect(rows.map(([field, , meaning]) => [field, meaning])).toEqual(
      Object.entries(properties).map(([field, { description }]) => [field, description]),
    );
    for (const [field = '', example = ''] of rows) {
      const text = JSON.stringify({
        binaries: [{ name: 'x', [field]: JSON.parse(example) as unknown }, { name: 'db' }],
      });
      expect(parseManifest(text, PLACE).warnings).toEqual([]);
    }
    expect([properties['version']?.default, properties['keep']?.default]).toEqual(['latest', 3]);
    expect(manifest).toContain('`version` is `latest` if it is not given, and `keep` is 3.');
  });

  it('of reasons names every one', () => {
    const source = shipped('src/domain/errors.ts');
    const union = /export type FailureReason =([^;]*);/.exec(source)?.[1] ?? '';
    const reasons = [...union.matchAll(/\| '([a-z-]+)'/g)].map(([, reason]) => reason);
    expect(reasons.length).toBeGreaterThan(15);
    expect(table(atNight, 'reason').map(([reason = '']) => unticked(reason))).toEqual(reasons);
  });

  it('of steps hides nothing: each one has what a crash leaves and what the next tick does', () => {
    const forth = ticks.split('\n').filter((line) => /^\| (\d+|[a-e]) \|/.test(line));
    expect(forth).toHaveLength(13 + 5);
    for (const line of forth) expect(line.split('|').filter((cell) => cell.trim() !== '')).toHaveLength(4);
  });
});

describe('the README', () => {
  it('shows the scenes of the demo as they are played', () => {
    const source = ['demo-command', 'scenes'].map((file) => shipped(`src/cli/demo/${file}.ts`)).join('');
    const played = codeBlocks(readme, 'text').find((block) => block.startsWith('bin-proxy demo')) ?? '';
    const told = played.split('\n').filter((line) => /^[^ ]/.test(line));
    expect(told.length).toBeGreaterThan(10);
    expect(told.filter((line) => !source.includes(line))).toEqual([]);
  });

  it('tells the periods of quarantine as they are (invariant 5)', () => {
    const now = new Date('2026-01-01T00:00:00Z');
    const failed = {
      release: 'md5:0',
      version: '1',
      reason: 'did-not-start',
      detail: '',
      fault: 'release',
      companions: {},
    } as const;
    const hours: number[] = [];
    for (let record = emptyRecord('app' as BinaryName), n = 0; n < 7; n++) {
      record = remember(record, failed, now);
      hours.push((Date.parse(record.quarantine[0]?.until ?? '') - now.getTime()) / 3_600_000);
    }
    const units: Readonly<Record<string, number>> = { hour: 1, day: 24, week: 168 };
    const told = /^8 hours, .*$/m.exec(ticks)?.[0] ?? '';
    expect(
      [...told.matchAll(/(\d+) (hour|day|week)s?/g)].map(([, n, unit = '']) => Number(n) * (units[unit] ?? 0)),
    ).toEqual(hours);
  });

  it('leads nowhere that is not there, nor does a page that it leads to', () => {
    const broken = [...pages].flatMap(([page, text]) =>
      links(text).filter((to) => {
        const [file = '', anchor] = to.split('#');
        const path = file === '' ? page : join(dirname(page), file);
        if (anchor === undefined) return !existsSync(shippedPath(path));
        return !anchors(pages.get(path) ?? '').has(`#${anchor}`);
      }),
    );
    expect(broken).toEqual([]);
    expect([...pages.keys()].filter((page) => page !== 'README.md' && !links(readme).includes(page))).toEqual([]);
  });

  it('copies only files that are shipped', () => {
    const copied = [...readme.matchAll(/"\$files\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(copied).toContain('config/supervisor-program.conf');
    expect(copied.filter((path) => !existsSync(shippedPath(path)))).toEqual([]);
    const { files } = JSON.parse(shipped('package.json')) as { files: readonly string[] };
    expect(copied.filter((path) => !files.includes(path.split('/')[0] ?? ''))).toEqual([]);
  });

  it('names the package that npm pack makes', () => {
    const { name, version } = JSON.parse(shipped('package.json')) as { name: string; version: string };
    expect(new Set(readme.match(/bin-proxy-\d[\w.]*\.tgz/g))).toEqual(new Set([`${name}-${version}.tgz`]));
    expect(new Set(readme.match(/bin-proxy_\d[\w.]*(?=_amd64\.deb)/g))).toEqual(new Set([`${name}_${version}`]));
  });

  it('shows shell commands that a shell can read', () => {
    const blocks = [...pages.values()].flatMap((text) => codeBlocks(text, 'sh'));
    expect(blocks.length).toBeGreaterThan(25);
    const unread = blocks.filter((block) => spawnSync('sh', ['-n', '-c', block]).status !== 0);
    expect(unread).toEqual([]);
  });

  it('names every file that install writes', () => {
    const paths = table(readme, 'file').map(([path = '']) => unticked(path));
    for (const { path } of [...wantedFiles('cron', '/usr/local'), ...wantedFiles('timer', '/usr/local')]) {
      const told =
        path.startsWith('/usr/local/share/') || paths.some((one) => one.startsWith(path.replace(/\.timer$/, '')));
      expect([path, told]).toEqual([path, true]);
    }
  });

  it('gives the same job for a crontab as the shipped file for cron.d', () => {
    const [crontab = ''] = codeBlocks(readme, 'cron');
    const file = shipped('config/bin-proxy.cron');
    const job = (text: string) => /^\* \* \* \* \* .*$/m.exec(text)?.[0] ?? '';
    expect(job(crontab).replace('. /etc/bin-proxy/config && ', 'root ')).toBe(job(file));
    expect(crontab).toContain(/^PATH=.*$/m.exec(file)?.[0]);
  });

  folderTest('prepares a folder that answers as a release server does', ({ folder }) => {
    const [block = ''] = codeBlocks(section(server, '## A folder as a release server'), 'sh');
    const script = block
      .replaceAll('/srv/releases', folder.path)
      .replaceAll('sudo ', '')
      .replace(/^python3 .*$/m, '');
    const ran = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    const base = 'api/v1/releases/latest/manager';
    const md5 = spawnSync('md5sum', [folder.join(`${base}/download`)], { encoding: 'utf8' }).stdout.split(' ')[0];
    expect(JSON.parse(folder.read(`${base}/md5`))).toEqual({ code: 0, data: { md5 } });
  });
});
