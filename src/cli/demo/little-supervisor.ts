/**
 * A service manager for machines without supervisor: `little-supervisor -n -c CONF` keeps programs running in the
 * foreground and takes orders on a unix socket. It speaks to `little-supervisorctl` only, and is there for the demo.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { LittleProgram } from './little-program.ts';
import type { Order, Reply } from './little-protocol.ts';
import { parseSupervisorConf } from './supervisor-conf.ts';

/** Whoever started it may be killed without a word. */
const PARENT_WATCH_MS = 500;

const file = process.argv[process.argv.indexOf('-c') + 1] ?? '';
const { socket, programs: sections } = parseSupervisorConf(readFileSync(file, 'utf8'));
const programs = new Map(sections.map((section) => [section.name, new LittleProgram(section)]));

async function obey({ action, names }: Order): Promise<readonly Reply[]> {
  if (action === 'self') return [{ kind: 'self', pid: process.pid }];
  const replies: Reply[] = [];
  for (const name of names.length === 0 || names.includes('all') ? programs.keys() : names) {
    const program = programs.get(name);
    replies.push(program === undefined ? { name, kind: 'unknown' } : await obeyed(program, { name, action }));
  }
  return replies;
}

async function obeyed(
  program: LittleProgram,
  { name, action }: { name: string; action: Exclude<Order['action'], 'self'> },
): Promise<Reply> {
  if (action !== 'status') return { name, kind: 'done', answer: await program[action]() };
  const { state, detail, pid } = program;
  return { name, kind: 'status', state, detail, pid: pid ?? 0 };
}

async function serve(connection: Socket): Promise<void> {
  // Its end must not take the other direction with it, as reading a socket to its end usually does.
  const order = JSON.parse(await text(connection.iterator({ destroyOnReturn: false }))) as Order;
  connection.end(JSON.stringify(await obey(order)));
}

/** No program outlives its supervisor. */
async function shutDown(): Promise<void> {
  server.close();
  await Promise.all([...programs.values()].map((program) => program.stop()));
  rmSync(socket, { force: true });
  process.exit(0);
}

rmSync(socket, { force: true });
const server = createServer({ allowHalfOpen: true }, (connection) => {
  // A client that went away has no answer to get.
  connection.on('error', () => connection.destroy());
  serve(connection).catch(() => connection.destroy());
});
let ending: Promise<void> | undefined;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    ending ??= shutDown();
  });
}
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGTERM'), PARENT_WATCH_MS).unref();
server.listen(socket, () => {
  for (const program of programs.values()) program.autostart();
});
