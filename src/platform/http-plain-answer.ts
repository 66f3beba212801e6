import { AnswerReader, type AnswerSink, type Head } from './http-framing.ts';
import { ANSWER_TIMEOUT_MS, type HttpAnswer, SilenceError } from './http-way.ts';

/** So much may come before somebody reads it: enough to go on receiving while the disk takes what came before. */
const AHEAD_BYTES = 1 << 20;

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
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: 'not yet' | 'whole' | Error = 'not yet';
  #wake = () => {};

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
    return this.#end !== 'not yet';
  }

  get keepsConnection(): boolean {
    return this.#reader.keepsConnection;
  }

  header(name: string): string | undefined {
    return this.#head?.fields.get(name);
  }

  async read(): Promise<readonly Uint8Array[]> {
    if (this.#chunks.length === 0 && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunks = this.#chunks;
    if (chunks.length === 0 && this.#end instanceof Error) throw this.#end;
    this.#chunks = [];
    if (this.#bytes >= AHEAD_BYTES) this.#carrier?.resume();
    this.#bytes = 0;
    return chunks;
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
    const before = this.#chunks.length;
    this.#read(() => this.#reader.take(bytes));
    // A server that sends chunks of one byte must not make us keep an object for each.
    if (this.#chunks.length > before + 1) this.#chunks.push(Buffer.concat(this.#chunks.splice(before)));
    if (!this.isOver && this.#bytes >= AHEAD_BYTES) this.#carrier?.pause();
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
    this.#chunks.push(bytes);
    this.#bytes += bytes.byteLength;
    this.#wake();
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
    this.#end = how;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#leave);
    this.#carrier = undefined;
    if (how instanceof Error) this.#settle?.reject(how);
    this.#wake();
  }
}
