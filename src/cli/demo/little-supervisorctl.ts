/**
 * `little-supervisorctl -c CONF status|pid|start|stop|restart [NAME…]`: says what `supervisorctl` of supervisor 4 would
 * say, so that bin-proxy uses its normal adapter.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { systemCode } from '../../domain/errors.ts';
import type { Order, Reply } from './little-protocol.ts';
import { parseSupervisorConf } from './supervisor-conf.ts';

const NAME_WIDTH = 33;
const STATE_WIDTH = 10;

/** The exit code is the worst of what was said. */
let exitCode = 0;

function say(line: string, code: number): void {
  process.stdout.write(`${line}\n`);
  exitCode = Math.max(exitCode, code);
}

async function ask(socket: string, order: Order): Promise<readonly Reply[]> {
  const connection = connect(socket);
  connection.end(JSON.stringify(order));
  return JSON.parse(await text(connection)) as readonly Reply[];
}

function tell(reply: Reply, action: string): void {
  switch (reply.kind) {
    case 'self':
      return say(String(reply.pid), 0);
    case 'unknown':
      return say(`${reply.name}: ERROR (no such process)`, action === 'status' ? 4 : 1);
    case 'done':
      return say(`${reply.name}: ${reply.answer}`, codeOf(reply.answer));
    case 'status': {
      if (action === 'pid') return say(String(reply.pid), reply.pid === 0 ? 7 : 0);
      const line = `${reply.name.padEnd(NAME_WIDTH)}${reply.state.padEnd(STATE_WIDTH)}${reply.detail}`;
      return say(line, ['STOPPED', 'EXITED', 'FATAL'].includes(reply.state) ? 3 : 0);
    }
  }
}

/** supervisorctl calls it a success where there was nothing to do. */
function codeOf(answer: string): number {
  if (/no such file|not executable/.test(answer)) return 1;
  return /spawn error|abnormal/.test(answer) ? 7 : 0;
}

function readConf(file: string): { readonly socket: string } | undefined {
  try {
    return parseSupervisorConf(readFileSync(file, 'utf8'));
  } catch {
    process.stderr.write(`Error: could not find config file ${file}\nFor help, use supervisorctl -h\n`);
    return undefined;
  }
}

/** Returns its exit code. */
export async function littleSupervisorctl(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { conf: { type: 'string', short: 'c' } },
    allowPositionals: true,
  });
  const [action = 'status', ...names] = positionals;
  const conf = readConf(values.conf ?? 'supervisord.conf');
  if (conf === undefined) return 2;
  try {
    for (const step of stepsOf(action, names)) {
      for (const reply of await ask(conf.socket, { action: step, names })) tell(reply, action);
    }
  } catch (error) {
    const said = { ENOENT: 'no such file', ECONNREFUSED: 'refused connection' }[systemCode(error) ?? ''];
    if (said === undefined) say(`error: ${String(error)}`, 1);
    else say(`unix://${conf.socket} ${said}`, action === 'status' || said === 'refused connection' ? 4 : 7);
  }
  return exitCode;
}

/** A restart is two orders, as in supervisor: who kills supervisorctl between them leaves the program stopped. */
function stepsOf(action: string, names: readonly string[]): readonly Order['action'][] {
  switch (action) {
    case 'start':
    case 'stop':
      return [action];
    case 'restart':
      return ['stop', 'start'];
    case 'status':
      return [action];
    case 'pid':
      return names.length === 0 ? ['self'] : ['status'];
    default:
      say(`*** Unknown syntax: ${action}`, 1);
      return [];
  }
}
