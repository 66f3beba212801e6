/**
 * A service manager for machines without supervisor: `little-supervisor -n -c CONF` keeps programs running in the
 * foreground and takes orders on a unix socket. It speaks to `little-supervisorctl` only, and is there for the demo.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { LittleProgram } from './little-program.ts';
import type { Order, Reply } from './little-protocol.ts';
import { parseSupervisorConf } from './supervisor-conf.ts';

/** Whoever started it may be killed without a word. */
const PARENT_WATCH_MS = 500;

type Programs = ReadonlyMap<string, LittleProgram>;

/** Runs until it is told to end, and ends the process then. */
export async function littleSupervisor(args: readonly string[]): Promise<never> {
  const file = args[args.indexOf('-c') + 1] ?? '';
  const { socket, programs: sections } = parseSupervisorConf(readFileSync(file, 'utf8'));
  const programs: Programs = new Map(sections.map((section) => [section.name, new LittleProgram(section)]));
  rmSync(socket, { force: true });
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    // A client that went away has no answer to get.
    connection.on('error', () => connection.destroy());
    serve(connection, programs).catch(() => connection.destroy());
  });
  server.listen(socket, () => {
    for (const program of programs.values()) program.autostart();
  });
  await toldToEnd();
  server.close();
  // No program outlives its supervisor.
  await Promise.all([...programs.values()].map((program) => program.stop()));
  rmSync(socket, { force: true });
  process.exit(0);
}

async function toldToEnd(): Promise<void> {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGTERM'), PARENT_WATCH_MS).unref();
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

async function serve(connection: Socket, programs: Programs): Promise<void> {
  let order = '';
  // Its end must not take the other direction with it, as reading a socket to its end usually does.
  for await (const chunk of connection.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    order += chunk.toString();
    // Whoever speaks anything else, supervisord's XML-RPC for example, would wait for an answer.
    if (!order.startsWith('{'))
      throw new Error(`expected an order as JSON, found ${JSON.stringify(order.slice(0, 40))}`);
  }
  connection.end(JSON.stringify(await obey(JSON.parse(order) as Order, programs)));
}

async function obey({ action, names }: Order, programs: Programs): Promise<readonly Reply[]> {
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
