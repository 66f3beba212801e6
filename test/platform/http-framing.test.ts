import { describe, expect, it } from 'vitest';
import { AnswerReader } from '../../src/platform/http-framing.ts';

interface Read {
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body: string;
  /** "by itself" or "with its connection", or why it is none. */
  readonly end: string;
  /** Whether the connection carries another request. */
  readonly kept: boolean;
}

/** Reads an answer in these pieces, and then the end of its connection. */
function readIn(pieces: readonly Buffer[]): Read {
  const got: { status?: number; fields?: Record<string, string>; body: string } = { body: '' };
  const reader = new AnswerReader({
    head: ({ status, fields }) => Object.assign(got, { status, fields: Object.fromEntries(fields) }),
    body: (bytes) => {
      got.body += Buffer.from(bytes).toString('latin1');
    },
  });
  try {
    for (const piece of pieces) reader.take(piece);
    const isWhole = reader.isWhole;
    reader.end();
    return { ...got, end: isWhole ? 'by itself' : 'with its connection', kept: reader.keepsConnection };
  } catch (error) {
    return { ...got, end: (error as Error).message, kept: reader.keepsConnection };
  }
}

/** Reads it whole, byte by byte, and cut at each place: what TCP makes of an answer must not matter. */
function read(text: string): Read {
  const bytes = Buffer.from(text, 'latin1');
  const whole = readIn([bytes]);
  expect(readIn(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
  for (let at = 0; at <= bytes.length; at++) {
    expect([at, readIn([bytes.subarray(0, at), bytes.subarray(at)])]).toEqual([at, whole]);
  }
  return whole;
}

function lines(...all: readonly string[]): string {
  return `${all.join('\r\n')}\r\n\r\n`;
}

const CHUNKED = lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');

describe('an answer', () => {
  it.each<[string, string, Partial<Read>]>([
    ['with a length', `${lines('HTTP/1.1 200 OK', 'Content-Length: 5')}hello`, { body: 'hello' }],
    ['with a length of 0', lines('HTTP/1.1 404 Not Found', 'content-length:0'), { status: 404 }],
    ['in chunks', `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, { body: 'hello world' }],
    ['in chunks of hexadecimal sizes', `${CHUNKED}00A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n`, {}],
    ['in chunks with extensions', `${CHUNKED}5 ;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n`, { body: 'hello' }],
    ['in chunks with trailers', `${CHUNKED}5\r\nhello\r\n0\r\nx: y\r\nz: \r\n\r\n`, { body: 'hello' }],
    ['in chunks, in capitals', `${lines('HTTP/1.1 200 OK', 'TRANSFER-ENCODING: CHUNKED')}0\r\n\r\n`, { body: '' }],
    ['of no content', lines('HTTP/1.1 204 No Content'), { status: 204 }],
    ['of nothing new', lines('HTTP/1.1 304 Not Modified', 'ETag: "v1"'), { fields: { etag: '"v1"' } }],
    ['of nothing new, with the length that it had', lines('HTTP/1.1 304 -', 'Content-Length: 99'), { status: 304 }],
    ['without a reason', lines('HTTP/1.1 304'), { status: 304 }],
    ['with an empty reason', lines('HTTP/1.1 304 '), { status: 304 }],
    ['with a status of no class', lines('HTTP/1.1 999 Odd', 'content-length: 0'), { status: 999 }],
    ['after one on the way', lines('HTTP/1.1 103 Early Hints', 'a: b', '', 'HTTP/1.1 204 -', 'c: d'), { status: 204 }],
    ['after one to go on', lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 304 -'), { fields: {} }],
    [
      'with fields of all kinds',
      lines('HTTP/1.1 304 -', 'A: \t b c \t ', 'empty:', 'x!#$%&\'*+-.^_`|~1: "\xe9"', 'link: 1', 'Link: 2', 'a:d'),
      { fields: { a: 'b c, d', empty: '', "x!#$%&'*+-.^_`|~1": '"\xe9"', link: '1, 2' } },
    ],
    ['of HTTP/1.0 that is asked to stay', lines('HTTP/1.0 304 -', 'Connection: x , Keep-Alive'), { status: 304 }],
  ])('%s ends by itself, and keeps its connection', (_, text, expected) => {
    expect(read(text)).toMatchObject({ ...expected, end: 'by itself', kept: true });
  });

  it.each<[string, string, Partial<Read>]>([
    ['of HTTP/1.0', lines('HTTP/1.0 304 -'), {}],
    ['that says so', lines('HTTP/1.1 304 -', 'connection: keep-alive, Close'), {}],
    ['with more than was asked for', `${lines('HTTP/1.1 200 OK', 'Content-Length: 2')}hello`, { body: 'he' }],
    ['with another one behind it', lines('HTTP/1.1 304 -', '', 'HTTP/1.1 304 -'), { body: '' }],
    ['of nothing new, with a body nevertheless', `${lines('HTTP/1.1 304 -', 'content-length: 5')}hello`, { body: '' }],
    ['in chunks with something behind them', `${CHUNKED}1\r\nx\r\n0\r\n\r\nx`, { body: 'x' }],
  ])('%s ends by itself, and its connection with it', (_, text, expected) => {
    expect(read(text)).toMatchObject({ ...expected, end: 'by itself', kept: false });
  });

  it.each<[string, string, string]>([
    ['HTTP/1.1', lines('HTTP/1.1 200 OK'), ''],
    ['HTTP/1.1', `${lines('HTTP/1.1 200 OK', 'Connection: keep-alive')}hello`, 'hello'],
    ['HTTP/1.0', `${lines('HTTP/1.0 200 OK', 'Connection: keep-alive')}hello\r\n\r\n`, 'hello\r\n\r\n'],
  ])('of %s without a length ends with its connection', (_, text, body) => {
    expect(read(text)).toMatchObject({ body, end: 'with its connection', kept: false });
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['half a status line', 'HTTP/1.1 20'],
    ['nothing after one on the way', lines('HTTP/1.1 100 Continue')],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'],
  ])('is none where this comes: %s', (_, text) => {
    expect(read(text)).toMatchObject({ body: '', end: expect.stringMatching(/ closed the connection /), kept: false });
    expect(read(text).status).toBeUndefined();
  });

  it.each<[string, string]>([
    ['its length', `${lines('HTTP/1.1 200 OK', 'Content-Length: 6')}hello`],
    ['the end of a chunk', `${CHUNKED}6\r\nhello`],
    ['the line after a chunk', `${CHUNKED}5\r\nhello`],
    ['the last chunk', `${CHUNKED}5\r\nhello\r\n`],
    ['the line after the last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n`],
    ['the end of its trailers', `${CHUNKED}5\r\nhello\r\n0\r\nx: y\r\n`],
  ])('is cut short before %s', (_, text) => {
    const end = 'the server closed the connection in the middle of its answer';
    expect(read(text)).toMatchObject({ status: 200, body: 'hello', end, kept: false });
  });

  it.each<[string, string, RegExp]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', /status line/],
    ['our own request', 'GET /x?token=hunter2 HTTP/1.1\r\n', /status line/],
    ['another version', 'HTTP/2.0 200 OK\r\n', /status line/],
    ['a version of one number', 'HTTP/1 200 OK\r\n', /status line/],
    ['a small h', 'http/1.1 200 OK\r\n', /status line/],
    ['two blanks', 'HTTP/1.1  200 OK\r\n', /status line/],
    ['a status of two digits', 'HTTP/1.1 99 OK\r\n', /status line/],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n', /status line/],
    ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n', /status line/],
    ['a control letter in the reason', 'HTTP/1.1 200 O\x00K\r\n', /status line/],
    ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\n', /status line/],
    ['a bare LF', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n', /CRLF/],
    ['another protocol instead of an answer', lines('HTTP/1.1 101 Switching Protocols'), /interim/],
    ['too many on the way', lines('HTTP/1.1 100 -').repeat(17), /interim/],
    ['a field without a colon', lines('HTTP/1.1 200 OK', 'content-length'), /field/],
    ['a field without a name', lines('HTTP/1.1 200 OK', ': 5'), /field/],
    ['a blank before the colon', lines('HTTP/1.1 200 OK', 'content-length : 5'), /field/],
    ['a field on two lines', lines('HTTP/1.1 200 OK', 'x: y', ' z'), /field/],
    ['a letter that no name has', lines('HTTP/1.1 200 OK', 'content\xe9length: 5'), /field/],
    ['a control letter in a value', lines('HTTP/1.1 200 OK', 'x: \x01'), /field/],
    ['a bare CR in a value', lines('HTTP/1.1 200 OK', 'x: a\rcontent-length: 0'), /field/],
    ['two lengths', lines('HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 6'), /length/],
    ['one length twice', lines('HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 5'), /length/],
    ['a list of lengths', lines('HTTP/1.1 200 OK', 'content-length: 5, 5'), /length/],
    ['a negative length', lines('HTTP/1.1 200 OK', 'content-length: -1'), /length/],
    ['a length with a sign', lines('HTTP/1.1 200 OK', 'content-length: +1'), /length/],
    ['a length that is empty', lines('HTTP/1.1 200 OK', 'content-length:'), /length/],
    ['a hexadecimal length', lines('HTTP/1.1 200 OK', 'content-length: 0x5'), /length/],
    ['a length with an exponent', lines('HTTP/1.1 200 OK', 'content-length: 1e3'), /length/],
    ['a length that no number holds', lines('HTTP/1.1 200 OK', `content-length: ${'9'.repeat(16)}`), /length/],
    ['a length beside chunks', lines('HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked'), /length/],
    ['chunks beside a length', lines('HTTP/1.1 304 -', 'transfer-encoding: chunked', 'content-length: 5'), /length/],
    ['another coding', lines('HTTP/1.1 200 OK', 'transfer-encoding: gzip'), /coding/],
    ['two codings', lines('HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked'), /coding/],
    ['chunks twice', lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', 'transfer-encoding: chunked'), /coding/],
    ['a coding that looks like chunks', lines('HTTP/1.1 200 OK', 'transfer-encoding: xchunked'), /coding/],
    ['chunks of HTTP/1.0', lines('HTTP/1.0 200 OK', 'transfer-encoding: chunked'), /coding/],
  ])('is none, and told without a word of what came: %s', (_, text, why) => {
    const { status, end } = read(text);
    expect(status).toBeUndefined();
    expect(end).toMatch(why);
    expect(end).not.toMatch(/hunter2|SSH|200/);
  });

  it.each<[string, string, RegExp]>([
    ['no size', '\r\n', /size/],
    ['a size that is none', 'x\r\n', /size/],
    ['a negative size', '-1\r\n', /size/],
    ['a size with a prefix', '0x5\r\nhello\r\n', /size/],
    ['a blank before the size', ' 5\r\nhello\r\n', /size/],
    ['more than 4 GiB', '100000000\r\n', /size/],
    ['an extension with a bare CR', '5;\rx\r\nhello\r\n', /size/],
    ['a size that ends with a bare LF', '5\nhello\r\n', /CRLF/],
    ['more than its size', '2\r\nhello\r\n', /longer/],
    ['something else instead of a CRLF', '5\r\nhelloxx', /closed/],
    ['a trailer that ends with a bare LF', '0\r\nx: y\n\r\n', /CRLF/],
  ])('breaks off at a chunk with %s', (_, chunk, why) => {
    expect(read(`${CHUNKED}${chunk}`)).toMatchObject({ status: 200, end: expect.stringMatching(why), kept: false });
  });

  const LONG = 'x'.repeat(16_000);
  const TOO_LONG = 'x'.repeat(17_000);

  it.each<[string, string]>([
    ['a status line', `HTTP/1.1 200 ${TOO_LONG}`],
    ['a field', lines('HTTP/1.1 200 OK', `x: ${TOO_LONG}`)],
    ['fields', lines('HTTP/1.1 200 OK', ...Array.from({ length: 2_000 }, (_, i) => `x${i}: y`))],
    ['an extension', `${CHUNKED}5;${TOO_LONG}\r\nhello\r\n0\r\n\r\n`],
    ['trailers', `${CHUNKED}0\r\n${'x: y\r\n'.repeat(3_000)}\r\n`],
  ])('has 16 KiB of %s and no more', (_, text) => {
    expect(readIn([Buffer.from(text)]).end).toMatch(/found more than 16384 bytes beside the body$/);
  });

  it.each<[string, string]>([
    ['a field', lines('HTTP/1.1 204 -', `x: ${LONG}`)],
    ['each of its heads', lines('HTTP/1.1 103 -', `x: ${LONG}`, '', 'HTTP/1.1 204 -', `x: ${LONG}`)],
    ['each extension', `${CHUNKED}1;${LONG}\r\nx\r\n1;${LONG}\r\nx\r\n0;${LONG}\r\n\r\n`],
    ['a field of blanks, in no time', lines('HTTP/1.1 204 -', `x:${' '.repeat(8_000)}y${' '.repeat(8_000)}`)],
  ])('may have almost 16 KiB of %s', (_, text) => {
    expect(readIn([Buffer.from(text)]).end).toBe('by itself');
  });
});
