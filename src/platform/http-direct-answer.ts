import type { IncomingMessage } from 'node:http';
import { ReadAhead } from './http-ahead.ts';
import type { HttpAnswer } from './http-way.ts';

/** An answer of `node:http`. */
export class DirectAnswer implements HttpAnswer {
  readonly status: number;
  readonly #message: IncomingMessage;
  readonly #ahead: ReadAhead;

  /** `onEnd` is called when nothing more can come. */
  constructor(message: IncomingMessage, onEnd: () => void) {
    this.status = message.statusCode ?? 0;
    this.#message = message;
    const ahead = new ReadAhead(() => message.resume());
    this.#ahead = ahead;
    const end = (how: 'whole' | Error) => {
      if (ahead.isOver) return;
      onEnd();
      ahead.end(how);
    };
    message.on('data', (chunk: Uint8Array) => {
      ahead.take(chunk);
      if (ahead.isFull) message.pause();
    });
    message.on('end', () => end('whole'));
    message.on('error', end);
    message.on('close', () => end(new Error('the connection was closed')));
  }

  header(name: string): string | undefined {
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  read(): Promise<readonly Uint8Array[]> {
    return this.#ahead.read();
  }

  discard(): void {
    this.#message.destroy();
  }
}
