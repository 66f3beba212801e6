import type { Terminal } from '../terminal.ts';
import type { DemoFolder } from './demo-folder.ts';
import type { DemoShell, Said } from './demo-shell.ts';
import { type HelloVersion, hello } from './hello.ts';
import { type ReleaseServer, sha256 } from './release-server.ts';

export interface Stage {
  readonly folder: DemoFolder;
  readonly server: ReleaseServer;
  readonly shell: DemoShell;
  readonly out: Terminal;
}

/** What an operator sees of bin-proxy in a bad week. Throws where a scene does not go as it should. */
export async function playScenes(stage: Stage): Promise<void> {
  await firstInstallation(stage);
  await goodUpdate(stage);
  const pid = await badRelease(stage);
  await quarantine(stage, pid);
  await fix(stage);
  await fleet(stage);
  end(stage);
}

async function firstInstallation(stage: Stage): Promise<void> {
  begin(
    stage,
    '1. First installation',
    'hello 1.0 is published. The manifest asks for it, and this host has no hello yet.',
  );
  await stage.server.publish('hello', '1.0', hello('1.0'));
  await stage.shell.command('cat', 'bin-manifests.json');
  await mustUpdate(stage, '1.0');
}

async function goodUpdate(stage: Stage): Promise<void> {
  begin(stage, '2. A good update', 'hello 2.0 is published. The next tick brings it live, and proves that it runs.');
  await stage.server.publish('hello', '2.0', hello('2.0'));
  await mustUpdate(stage, '2.0');
}

async function badRelease(stage: Stage): Promise<number> {
  begin(
    stage,
    '3. A bad release',
    'hello 3.0 comes up, and dies after two seconds. To supervisor its restart was a success.',
  );
  await stage.server.publish('hello', '3.0', hello('3.0'));
  const said = await stage.shell.binProxy('run');
  stage.shell.exitCode(said);
  mustSay(said, { code: 20, words: ['ROLLED BACK', 'the former version is back'] });
  return mustRun(stage, '2.0', 4);
}

async function quarantine(stage: Stage, pid: number): Promise<void> {
  begin(
    stage,
    '4. The next tick',
    'The server still offers 3.0. It failed here, so it is left alone, and cron has nothing to mail.',
  );
  const said = await stage.shell.binProxy('run');
  must('output of the run', said.text, '');
  mustSay(said, { code: 0, words: [] });
  mustSay(await stage.shell.binProxy('plan'), { code: 0, words: ['quarantined until', '1 left alone'] });
  must('pid of hello, which nobody restarted', await mustRun(stage, '2.0', 1), pid);
  must('number of downloads of 3.0', await stage.server.downloads(hello('3.0')), 1);
}

async function fix(stage: Stage): Promise<void> {
  begin(stage, '5. The fix', 'hello 4.0 is published. Only 3.0 is in quarantine: the fix goes in at once.');
  await stage.server.publish('hello', '4.0', hello('4.0'));
  await mustUpdate(stage, '4.0');
  await stage.shell.command('cat', 'bin-manifests.json');
}

async function fleet({ server, out }: Stage): Promise<void> {
  out.line('');
  out.line(out.paint('bold', '6. What the server knows'));
  out.line('The host says what it runs, because this server asks; bin-manager shows its fleet as a page.');
  out.line('');
  const hosts = await server.hosts();
  must('hosts that the server knows', hosts.length, 1);
  for (const { name, binaries } of hosts) {
    const running = binaries.map((one) => `${one.name} ${one.version}`).join(', ');
    out.line(`  ${name} runs ${running}`);
    must('what the host has reported', running, 'hello 4.0');
  }
}

function begin({ out }: Stage, title: string, story: string): void {
  out.line('');
  out.line(out.paint('bold', title));
  out.line(story);
  out.line('');
}

function end({ out }: Stage): void {
  out.line('');
  out.line('That was all: three releases went live and were proven, and a bad one was undone.');
}

async function mustUpdate(stage: Stage, version: HelloVersion): Promise<void> {
  mustSay(await stage.shell.binProxy('run'), { code: 0, words: ['updated', sha256(hello(version)).slice(0, 8)] });
  await mustRun(stage, version, 1);
}

/** Shows and checks which version is installed, recorded, and running. Returns its pid. */
async function mustRun({ folder, shell }: Stage, version: HelloVersion, logLines: number): Promise<number> {
  const status = await shell.command('supervisorctl', '-c', 'supervisord.conf', 'status');
  const log = await shell.command('tail', '-n', String(logLines), 'hello.log');
  const pid = /^hello +RUNNING +pid (\d+),/.exec(status.text)?.[1];
  must('last line of hello.log', log.text.trimEnd().split('\n').at(-1), `hello ${version}: started with pid ${pid}`);
  must('installed version', sha256(folder.installedHello()), sha256(hello(version)));
  must('currentSha256 in the manifest', folder.manifestSha256(), sha256(hello(version)));
  return Number(pid);
}

function mustSay(said: Said, { code, words }: { readonly code: number; readonly words: readonly string[] }): void {
  must('exit code', said.code, code);
  for (const word of words) {
    if (!said.text.includes(word))
      throw new Error(`expected bin-proxy to say "${word}", found ${JSON.stringify(said.text)}`);
  }
}

function must<T>(what: string, found: T, expected: T): void {
  if (found !== expected) throw new Error(`${what}: expected ${String(expected)}, found ${String(found)}`);
}
