import { appendFileSync } from 'node:fs';
import { createLogger, format, type Logger } from 'winston';
import Transport from 'winston-transport';
import { errorText } from '../domain/errors.ts';
import { naming } from './files.ts';
import { isJournal, journalPrefix } from './journal-stream.ts';
import { printableText } from './text.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** What the engine tells about itself: one line an event. It never fails and never stops anything (invariant 8). */
export interface Log {
  error(message: string): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

export interface LogPlaces {
  /** Appended to; a file that cannot be written is one warning on stderr. */
  readonly file: string;
  readonly fileLevel: LogLevel;
  readonly stderrLevel: LogLevel;
  /** Stands in every line, so that one tick can be told from the next. */
  readonly run: string;
}

/**
 * Opens the log. Every line is written at once and synchronously: winston's own file transport loses what is in its
 * buffers when the process ends, and dies of a full disk.
 */
export function openLog(places: LogPlaces): Log {
  const stamp = format.printf(({ level, message, timestamp }) => {
    return `${String(timestamp)} [${places.run}] ${level.padEnd(5)} ${printableText(String(message))}`;
  });
  const logger: Logger = createLogger({
    level: 'debug',
    format: format.combine(format.timestamp(), stamp),
    transports: [
      new LineTransport(places.fileLevel, fileWriter(places.file)),
      new LineTransport(stderrLevel(places), (_, plain, level) => {
        writeStderr(`${journalPrefix(level)}bin-proxy: ${plain}`);
      }),
    ],
  });
  return {
    error: (message) => void logger.error(message),
    warn: (message) => void logger.warn(message),
    info: (message) => void logger.info(message),
    debug: (message) => void logger.debug(message),
  };
}

/** In the journal a rollback must be found by its priority, and stdout has none. */
function stderrLevel({ stderrLevel: level }: LogPlaces): LogLevel {
  return level === 'error' && isJournal() ? 'warn' : level;
}

const FORMATTED = Symbol.for('message');

type WriteLine = (line: string, plain: string, level: LogLevel) => void;

class LineTransport extends Transport {
  readonly #write: WriteLine;

  constructor(level: LogLevel, write: WriteLine) {
    super({ level });
    this.#write = write;
  }

  override log(info: { level: string; message: unknown; [FORMATTED]?: string }, next: () => void): void {
    const plain = printableText(String(info.message));
    this.#write(info[FORMATTED] ?? plain, plain, info.level as LogLevel);
    next();
  }
}

function fileWriter(file: string): (line: string) => void {
  let broken = false;
  return (line) => {
    try {
      // One write with O_APPEND a line: a rotation between two lines loses none.
      appendFileSync(file, `${line}\n`, { mode: 0o640 });
    } catch (error) {
      if (!broken)
        writeStderr(`${journalPrefix('error')}bin-proxy: cannot write the log: ${errorText(naming(error, file))}`);
      broken = true;
    }
  };
}

function writeStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
