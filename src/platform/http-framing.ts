/** Of a head, of a line that says a chunk's size, of all trailers: as much as `node:http` takes. */
const MAX_LINES_BYTES = 16 * 1024;
/** A server that has as many things to say before its answer has none to say. */
const MAX_INTERIM = 16;
const LINE_FEED = 10;

/** A server that does not keep to HTTP. Tells nothing of what it sent: that may be our own request (invariant 14). */
class FramingError extends Error {
  override readonly name = 'FramingError';

  constructor(found: string) {
    super(`the server does not speak HTTP/1.1: found ${found}`);
  }
}

export interface Head {
  readonly status: number;
  /** By names in lower case; several fields of one name are one list (RFC 9110 section 5.2). */
  readonly fields: ReadonlyMap<string, string>;
}

/** To whom an answer goes as it comes: its head, and then what belongs to its body, piece by piece. */
export interface AnswerSink {
  head(head: Head): void;
  body(bytes: Uint8Array): void;
}

/** What comes next: lines, down to `trailer`, or bytes. */
type Next = 'status' | 'field' | 'size' | 'gap' | 'trailer' | 'chunk' | 'counted' | 'rest' | 'nothing';

/**
 * One answer to a GET, by the framing of RFC 9112, in pieces as they come. It faces whoever answers: what two readers
 * could take for two different things is refused. Throws {@link FramingError}, and an `Error` for an early end.
 */
export class AnswerReader {
  readonly #sink: AnswerSink;
  #next: Next = 'status';
  #line = '';
  #lineBytes = 0;
  #interim = 0;
  #status: StatusLine = { status: 0, keeps: false };
  #fields = new Map<string, string>();
  /** Of the body, or of a chunk of it. */
  #left = 0;
  #hasSurplus = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  get isWhole(): boolean {
    return this.#next === 'nothing';
  }

  /** Whether the connection can carry another request (RFC 9112 section 9.3): not where more came than was asked for. */
  get keepsConnection(): boolean {
    return this.isWhole && this.#status.keeps && !this.#hasSurplus;
  }

  take(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0 && !this.isWhole) {
      const isLine = this.#next !== 'chunk' && this.#next !== 'counted' && this.#next !== 'rest';
      rest = rest.subarray(isLine ? this.#takeLine(rest) : this.#takeBytes(rest));
    }
    this.#hasSurplus ||= rest.length > 0;
  }

  /** The server sends no more. Throws where more was to come. */
  end(): void {
    if (this.#next === 'rest') this.#next = 'nothing';
    if (this.isWhole) return;
    const when = this.#status.status === 0 ? 'before' : 'in the middle of';
    throw new Error(`the server closed the connection ${when} its answer`);
  }

  #takeLine(bytes: Buffer): number {
    const end = bytes.indexOf(LINE_FEED);
    const length = end === -1 ? bytes.length : end + 1;
    this.#lineBytes += length;
    if (this.#lineBytes > MAX_LINES_BYTES) throw new FramingError(`more than ${MAX_LINES_BYTES} bytes beside the body`);
    this.#line += bytes.toString('latin1', 0, length);
    if (end !== -1) {
      const line = this.#line;
      this.#line = '';
      if (!line.endsWith('\r\n')) throw new FramingError('a line that does not end with CRLF');
      this.#next = this.#after(line.slice(0, -2));
    }
    return length;
  }

  #after(line: string): Next {
    switch (this.#next) {
      case 'status':
        this.#status = readStatus(line);
        return 'field';
      case 'field':
        if (line === '') return this.#endHead();
        addField(this.#fields, line);
        return 'field';
      case 'size':
        this.#lineBytes = 0;
        this.#left = readSize(line);
        return this.#left === 0 ? 'trailer' : 'chunk';
      case 'gap':
        if (line !== '') throw new FramingError('a chunk that is longer than its size');
        return 'size';
      default:
        return line === '' ? 'nothing' : 'trailer';
    }
  }

  #endHead(): Next {
    this.#lineBytes = 0;
    const { status } = this.#status;
    const fields = this.#fields;
    if (status < 200) {
      this.#interim++;
      // Nobody asked for another protocol (RFC 9110 section 15.2.2).
      if (status === 101 || this.#interim > MAX_INTERIM) throw new FramingError('interim answers without an answer');
      this.#fields = new Map();
      return 'status';
    }
    const length = bodyLength(this.#status, fields);
    this.#status = { status, keeps: keepsAlive(this.#status, fields) && length !== 'rest' };
    this.#sink.head({ status, fields });
    if (typeof length === 'string') return length;
    this.#left = length;
    return length === 0 ? 'nothing' : 'counted';
  }

  #takeBytes(bytes: Buffer): number {
    if (this.#next === 'rest') {
      this.#sink.body(bytes);
      return bytes.length;
    }
    const length = Math.min(this.#left, bytes.length);
    this.#sink.body(bytes.subarray(0, length));
    this.#left -= length;
    if (this.#left === 0) this.#next = this.#next === 'chunk' ? 'gap' : 'nothing';
    return length;
  }
}

interface StatusLine {
  readonly status: number;
  /** Whether connections are kept unless a field says otherwise: since HTTP/1.1. */
  readonly keeps: boolean;
}

/** RFC 9112 section 4. The blank before an empty reason is left out by many. */
function readStatus(line: string): StatusLine {
  const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?$/.exec(line) ?? [];
  if (status === undefined) throw new FramingError('no status line');
  return { status: Number(status), keeps: minor === '1' };
}

/** RFC 9112 section 5: no blank before the colon, and no line that goes on with the next one. */
function addField(fields: Map<string, string>, line: string): void {
  const [, written, value] = /^([!#$%&'*+.^_`|~\w-]+):([\t -~\x80-\xff]*)$/.exec(line) ?? [];
  if (written === undefined || value === undefined) throw new FramingError('a header field that is none');
  const name = written.toLowerCase();
  const before = fields.get(name);
  fields.set(name, before === undefined ? withoutBlanks(value) : `${before}, ${withoutBlanks(value)}`);
}

/** `trim` takes more for a blank than RFC 9110 section 5.6.3, and a pattern takes square time for a line of blanks. */
function withoutBlanks(value: string): string {
  let [start, end] = [0, value.length];
  while (isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  return value.slice(start, end);
}

function isBlank(letter: string | undefined): boolean {
  return letter === ' ' || letter === '\t';
}

/** RFC 9112 section 6.3. Two lengths are two answers to whoever reads the one or the other: they are refused. */
function bodyLength({ status, keeps }: StatusLine, fields: ReadonlyMap<string, string>): number | 'size' | 'rest' {
  const [coding, length] = [fields.get('transfer-encoding'), fields.get('content-length')];
  if (coding !== undefined && length !== undefined) throw new FramingError('a length beside chunks');
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || !keeps)) {
    throw new FramingError('a transfer coding other than chunked');
  }
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new FramingError('a length that is none');
  if (status === 204 || status === 304) return 0;
  if (coding !== undefined) return 'size';
  return length === undefined ? 'rest' : Number(length);
}

/** RFC 9112 section 7.1: at most 4 GiB; what a chunk says beside its size is skipped. */
function readSize(line: string): number {
  const size = /^([\da-f]{1,8})[\t ]*(?:;[\t -~\x80-\xff]*)?$/i.exec(line)?.[1];
  if (size === undefined) throw new FramingError('a chunk without a size');
  return Number.parseInt(size, 16);
}

/** RFC 9112 section 9.3. */
function keepsAlive({ keeps }: StatusLine, fields: ReadonlyMap<string, string>): boolean {
  const wishes = (fields.get('connection') ?? '').toLowerCase().split(/[\t ]*,[\t ]*/);
  return !wishes.includes('close') && (keeps || wishes.includes('keep-alive'));
}
