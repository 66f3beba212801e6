import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, RunError } from '../../domain/errors.ts';
import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { type Terminal, terminal } from '../terminal.ts';
import { DemoFolder } from './demo-folder.ts';
import { DemoShell } from './demo-shell.ts';
import { hello } from './hello.ts';
import { Interruption } from './interruption.ts';
import { ReleaseServer } from './release-server.ts';
import { playScenes } from './scenes.ts';
import { type DemoSupervisor, startSupervisor } from './supervisor-choice.ts';

/**
 * `bin-proxy demo`: a host in a temporary folder, a release server and a service manager of its own, and real ticks of
 * the real program. Needs no root, no network and no supervisor, and leaves nothing behind.
 */
export async function demoCommand({ color }: Invocation): Promise<ExitCode> {
  const out = terminal(color);
  const folder = new DemoFolder();
  const interruption = new Interruption();
  try {
    await playIn(folder, interruption.signal, out);
    return 0;
  } catch (error) {
    if (error instanceof RunError) throw error;
    process.stderr.write(`\nbin-proxy demo: ${errorText(error)}\n`);
    const log = folder.lastOfRunLog();
    if (log !== '') process.stderr.write(`The end of bin-proxy's log:\n${log}\n`);
    return 1;
  } finally {
    folder.remove();
    interruption.dispose();
  }
}

async function playIn(folder: DemoFolder, signal: AbortSignal, out: Terminal): Promise<void> {
  mustRunPrograms(folder);
  const server = await ReleaseServer.start(folder.path, signal);
  let supervisor: DemoSupervisor | undefined;
  try {
    supervisor = await startSupervisor(folder, signal);
    introduce({ folder, api: server.api, label: supervisor.label }, out);
    const environment = folder.environment(server.api, supervisor.path);
    const shell = new DemoShell({ folder: folder.path, environment, signal }, out);
    await playScenes({ folder, server, shell, out });
  } finally {
    await supervisor?.stop();
    await server.stop();
  }
}

/** Many a hardened host mounts /tmp without the right to execute anything. */
function mustRunPrograms({ toolsDir, path }: DemoFolder): void {
  const probe = join(toolsDir, 'probe');
  writeFileSync(probe, hello('1.0'), { mode: 0o755 });
  try {
    accessSync(probe, constants.X_OK);
  } catch (error) {
    const message = `programs may not be run in ${path}; set TMPDIR to a directory where they may`;
    throw new Error(message, { cause: error });
  }
  rmSync(probe);
}

function introduce(
  place: { readonly folder: DemoFolder; readonly api: string; readonly label: string },
  out: Terminal,
): void {
  out.line(out.paint('bold', 'bin-proxy demo: a first installation, an update, a bad release and its rollback'));
  out.line('');
  out.line(`  folder           ${place.folder.path} (removed at the end)`);
  out.line(`  release server   ${place.api} (bin-manager, in this process)`);
  out.line(`  service manager  ${place.label}`);
}
