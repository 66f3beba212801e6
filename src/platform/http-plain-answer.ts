import { ReadAhead } from './http-ahead.ts';
import { AnswerReader, type AnswerSink, type Head } from './http-framing.ts';
import { ANSWER_TIMEOUT_MS, type HttpAnswer, SilenceError } from './http-way.ts';

/** What an exchange needs of the connection that carries it. */
export interface Carrier {
  pause(): void;
  resume(): void;
  /** Drops it, and all that is on it. */
  destroy(): void;
}

/** One request and its answer: first it waits for a connection, then for the head, then it is the answer. */
export class Exchange implements HttpAnswer, AnswerSink {
  /** As it goes over the wire. */
  readonly request: string;
  /** The answer, when its head is there. */
  readonly answered: Promise<HttpAnswer>;
  readonly #reader = new AnswerReader(this);
  readonly #signal: AbortSignal;
  #settle: { readonly resolve: (answer: HttpAnswer) => void; readonly reject: (error: Error) => void } | undefined;
  #carrier: Carrier | undefined;
  #timer: NodeJS.Timeout | undefined;
  #head: Head | undefined;
  readonly #ahead = new ReadAhead(() => this.#carrier?.resume());

  constructor(request: string, signal: AbortSignal) {
    this.request = request;
    this.#signal = signal;
    this.answered = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    signal.addEventListener('abort', this.#leave);
    if (signal.aborted) this.#leave();
  }

  get status(): number {
    return this.#head?.status ?? 0;
  }

  /** Nothing more can come. */
  get isOver(): boolean {
    return this.#ahead.isOver;
  }

  get keepsConnection(): boolean {
    return this.#reader.keepsConnection;
  }

  header(name: string): string | undefined {
    return this.#head?.fields.get(name);
  }

  read(): Promise<readonly Uint8Array[]> {
    return this.#ahead.read();
  }

  discard(): void {
    this.fail(new Error('nobody wants the rest'));
  }

  /** It is this connection's turn to carry it. */
  begin(carrier: Carrier): void {
    this.#carrier = carrier;
    this.#timer = setTimeout(() => this.fail(new SilenceError()), ANSWER_TIMEOUT_MS);
  }

  take(bytes: Buffer): void {
    this.#read(() => this.#reader.take(bytes));
    // One that is over has given its connection back, which must go on.
    if (this.#ahead.isFull) this.#carrier?.pause();
  }

  /** The server sends no more. */
  serverEnds(): void {
    this.#read(() => this.#reader.end());
  }

  fail(error: Error): void {
    if (this.isOver) return;
    const carrier = this.#carrier;
    this.#finish(error);
    carrier?.destroy();
  }

  head(head: Head): void {
    clearTimeout(this.#timer);
    this.#head = head;
    this.#settle?.resolve(this);
  }

  body(bytes: Uint8Array): void {
    this.#ahead.take(bytes);
  }

  readonly #leave = (): void => this.fail(new Error('given up', { cause: this.#signal.reason }));

  #read(read: () => void): void {
    try {
      read();
      if (this.#reader.isWhole) this.#finish('whole');
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #finish(how: 'whole' | Error): void {
    if (this.isOver) return;
    this.#ahead.end(how);
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#leave);
    this.#carrier = undefined;
    if (how instanceof Error) this.#settle?.reject(how);
  }
}
