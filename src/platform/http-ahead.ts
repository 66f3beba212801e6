/** So much may come before somebody reads it: enough to go on receiving while the disk takes what came before. */
const AHEAD_BYTES = 1 << 20;
/** Pieces that are smaller on average are put together: an object for each byte takes a hundred times its room. */
const SMALL_BYTES = 1024;

/** What has come of a body and was not read yet. It comes in by itself, for a stream's own machinery costs a third of the time. */
export class ReadAhead {
  readonly #onRoom: () => void;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: 'not yet' | 'whole' | Error = 'not yet';
  #wake = () => {};

  /** `onRoom` is called when there is room again for more than has come. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** Nothing more can come. */
  get isOver(): boolean {
    return this.#end !== 'not yet';
  }

  /** Whether no more should come until there is room. */
  get isFull(): boolean {
    return this.#bytes >= AHEAD_BYTES && !this.isOver;
  }

  take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.#wake();
  }

  /** Only the first end counts. */
  end(how: 'whole' | Error): void {
    if (this.isOver) return;
    this.#end = how;
    this.#wake();
  }

  /** What has come since the last time; nothing at the end. Throws what broke it off, after all that came before. */
  async read(): Promise<readonly Uint8Array[]> {
    if (this.#chunks.length === 0 && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const [chunks, bytes, wasFull] = [this.#chunks, this.#bytes, this.isFull];
    if (chunks.length === 0 && this.#end instanceof Error) throw this.#end;
    this.#chunks = [];
    this.#bytes = 0;
    if (wasFull) this.#onRoom();
    return chunks.length > 1 && bytes / chunks.length < SMALL_BYTES ? [Buffer.concat(chunks)] : chunks;
  }
}
