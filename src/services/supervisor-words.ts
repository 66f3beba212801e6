import { printableText } from '../platform/text.ts';

const LINES = 40;
const LINE_CHARACTERS = 400;
/** supervisorctl's own word for a program that has no such log. */
const NO_LOG = /^\S+: ERROR \(/;

/** Whether that is all that `supervisorctl tail` printed. */
export function saidNothing(text: string): boolean {
  const lines = text.split('\n').filter((line) => line.trimEnd() !== '');
  return lines.length === 1 && NO_LOG.test(lines[0] ?? '');
}

/**
 * The lines of the last `bytes` of a log, fit for a terminal. The first line is dropped where the text may have been cut
 * off in the middle of it.
 */
export function linesOf(text: string, bytes: number): readonly string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const whole = Buffer.byteLength(text) >= bytes ? lines.slice(1) : lines;
  const said = whole.filter((line) => line !== '');
  return said.map((line) => printableText(line.slice(0, LINE_CHARACTERS)));
}

export function lastOf(lines: readonly string[]): readonly string[] {
  return lines.slice(-LINES);
}

/**
 * What supervisord's own log says of a process: `spawned: 'app' with pid 7`, `exited: app (exit status 1; not expected)`,
 * `exited: app (terminated by SIGSEGV; not expected)`. It names the program without its group.
 */
export function eventsOf(process: string, log: readonly string[]): readonly string[] {
  const program = process.split(':').at(-1) ?? process;
  const names = new Set([program, `'${program}'`]);
  return log.filter((line) => line.split(/[\s,]+/).some((word) => names.has(word)));
}

/** Tells, in the list of processes, that the orders of a supervisorctl come by its stdin. It is so without an action anyway. */
export const SHELL = '--interactive';

const ACTIONS: ReadonlySet<string> = new Set(['restart', 'stop', 'start', 'signal']);
/** They may stop and start any process. */
const OF_ALL: ReadonlySet<string> = new Set(['update', 'reload', 'shutdown']);

/**
 * Whether a command line is that of a supervisorctl which stops or starts one of these processes. Which supervisord it
 * talks to is not asked: two on one host have other programs.
 */
export function isOrder(argv: readonly string[], processes: readonly string[]): boolean {
  const words = wordsOf(argv);
  const action = words.findIndex((word) => ACTIONS.has(word) || OF_ALL.has(word));
  if (action === -1) return false;
  if (OF_ALL.has(words[action] ?? '')) return true;
  const names = words.slice(action + 1);
  return processes.some((process) => names.some((name) => isNamed(process, name)));
}

/** Whether a command line may be that of a supervisorctl which a run has started ahead. */
export function isShell(argv: readonly string[]): boolean {
  return wordsOf(argv).includes(SHELL);
}

/** What a supervisorctl was told; nothing where it is another program. */
function wordsOf(argv: readonly string[]): readonly string[] {
  // Its interpreter may stand before it, with an option.
  const program = argv.slice(0, 3).findIndex((word) => word === 'supervisorctl' || word.endsWith('/supervisorctl'));
  return program === -1 ? [] : argv.slice(program + 1);
}

/** supervisorctl takes `all`, `group:*`, `group:`, `group:program`, and `program` for `program:program`. */
function isNamed(process: string, name: string): boolean {
  const [group = '', program = group] = process.split(':');
  return ['all', process, `${group}:*`, `${group}:`, `${group}:${program}`].includes(name);
}
