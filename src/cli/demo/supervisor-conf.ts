import { iniSections } from '../../platform/ini.ts';

/** One `[program:…]` section: what is kept running, and how. */
export interface ProgramSection {
  readonly name: string;
  /** A file and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** It is RUNNING once it has stayed up for so long. */
  readonly startSeconds: number;
  readonly startRetries: number;
  /** SIGKILL follows SIGTERM after so long. */
  readonly stopWaitSeconds: number;
  readonly autostart: 'yes' | 'no';
  readonly autorestart: 'yes' | 'no';
  /** Takes stdout and stderr. */
  readonly log: string;
}

export interface SupervisorConf {
  readonly socket: string;
  readonly programs: readonly ProgramSection[];
}

const SERVER = 'unix_http_server';
const PROGRAM = /^program:(.+)$/;
/** supervisor's own defaults. */
const DEFAULTS = { startsecs: '1', startretries: '3', stopwaitsecs: '10' } as const;

/** The part of supervisor's configuration format that the little supervisor knows. Everything else is passed over. */
export function parseSupervisorConf(text: string): SupervisorConf {
  const sections = iniSections(text);
  const socket = sections.get(SERVER)?.keys.get('file');
  if (socket === undefined) throw new Error(`expected "file=" under [${SERVER}], found none`);
  const programs = [...sections].flatMap(([title, { keys }]) => {
    const name = PROGRAM.exec(title)?.[1];
    return name === undefined ? [] : [programOf(name, keys)];
  });
  return { socket, programs };
}

function programOf(name: string, keys: ReadonlyMap<string, string>): ProgramSection {
  const seconds = (key: keyof typeof DEFAULTS) => Number(keys.get(key) ?? DEFAULTS[key]);
  return {
    name,
    command: wordsOf(name, keys.get('command') ?? ''),
    startSeconds: seconds('startsecs'),
    startRetries: seconds('startretries'),
    stopWaitSeconds: seconds('stopwaitsecs'),
    autostart: keys.get('autostart') === 'false' ? 'no' : 'yes',
    autorestart: keys.get('autorestart') === 'false' ? 'no' : 'yes',
    log: keys.get('stdout_logfile') ?? '/dev/null',
  };
}

function wordsOf(name: string, command: string): readonly [string, ...string[]] {
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
  const [file, ...args] = words;
  if (file === undefined) throw new Error(`expected "command=" under [program:${name}], found none`);
  return [file, ...args];
}
