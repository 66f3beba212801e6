import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { parseXml, XmlElement } from '@rgrove/parse-xml';

const MOST_BYTES = 16 * 1024 * 1024;
/** XML has no place for them, and Python's `xmlrpc.client` writes them nevertheless: the colours of a log, for example. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Where an XML-RPC server listens, and as whom it is asked. */
export interface RpcServer {
  readonly address: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** `user:password`, for HTTP's Basic authentication. */
  readonly auth?: string;
}

export interface RpcCall {
  readonly method: string;
  readonly parameters: readonly (string | number)[];
  /** The whole call may take so long. */
  readonly timeoutMs: number;
}

export type RpcValue = string | number | boolean | readonly RpcValue[] | { readonly [name: string]: RpcValue };

/** The server took the call and did not answer in time. */
export class RpcSilence extends Error {
  override readonly name = 'RpcSilence';
}

/** The server has trouble of its own with the call. */
export class RpcStatusError extends Error {
  override readonly name = 'RpcStatusError';
  readonly status: number | undefined;

  constructor(status: number | undefined) {
    super(`expected an answer with status 200, found ${status}`);
    this.status = status;
  }
}

/** The server refused the call by a fault of its own numbering. */
export class RpcFault extends Error {
  override readonly name = 'RpcFault';
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/**
 * Calls one method (http://xmlrpc.com/spec.md), on a connection of its own. Throws {@link RpcFault}, {@link RpcSilence},
 * {@link RpcStatusError}, the error of the connection, or an `Error` for an answer that is none.
 */
export async function callRpc(server: RpcServer, call: RpcCall): Promise<RpcValue> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), call.timeoutMs);
  const { signal } = limit;
  const asked = request({
    ...server.address,
    ...(server.auth !== undefined && { auth: server.auth }),
    path: '/RPC2',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'text/xml' },
    signal,
  });
  try {
    asked.end(bodyOf(call));
    // An answer that is none may end the connection without a word.
    const [response] = (await once(asked, 'response', { signal })) as [IncomingMessage];
    const body = await textOf(response);
    if (response.statusCode !== 200) throw new RpcStatusError(response.statusCode);
    return readAnswer(body);
  } catch (error) {
    if (signal.aborted) throw new RpcSilence(`no answer in ${call.timeoutMs / 1000} s`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    asked.on('error', () => {}).destroy();
  }
}

/** The value of a method's answer. Throws {@link RpcFault}, and `Error` for any other text. */
export function readAnswer(text: string): RpcValue {
  const { root } = parseXml(text.replace(NOT_XML, '\ufffd'));
  if (root?.name !== 'methodResponse') throw new Error(`expected <methodResponse>, found <${root?.name ?? ''}>`);
  const fault = childOf(root, 'fault');
  if (fault !== undefined) throw faultOf(valueIn(fault));
  const params = childOf(root, 'params');
  const param = params && childOf(params, 'param');
  if (param === undefined) throw new Error('expected an answer with a value, found none');
  return valueIn(param);
}

function bodyOf({ method, parameters }: RpcCall): string {
  const params = parameters.map((value) => `<param><value>${valueText(value)}</value></param>`);
  return `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${params.join('')}</params></methodCall>`;
}

function valueText(value: string | number): string {
  if (typeof value === 'number') return `<int>${value}</int>`;
  return `<string>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</string>`;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`expected an answer of ${MOST_BYTES} bytes at most, found more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function elementsOf(parent: XmlElement, name?: string): readonly XmlElement[] {
  return parent.children.filter(
    (child): child is XmlElement => child instanceof XmlElement && (name === undefined || child.name === name),
  );
}

function childOf(parent: XmlElement, name: string): XmlElement | undefined {
  return elementsOf(parent, name)[0];
}

function valueIn(parent: XmlElement): RpcValue {
  const value = childOf(parent, 'value');
  if (value === undefined) throw new Error(`expected <value> in <${parent.name}>, found none`);
  return valueFrom(value);
}

/** What has no type is a string. */
function valueFrom(value: XmlElement): RpcValue {
  const [typed] = elementsOf(value);
  return typed === undefined ? value.text : typedValue(typed);
}

function typedValue(typed: XmlElement): RpcValue {
  switch (typed.name) {
    case 'string':
      return typed.text;
    case 'int':
    case 'i4':
    case 'double':
      return Number(typed.text);
    case 'boolean':
      return typed.text.trim() === '1';
    case 'array':
      return elementsOf(childOf(typed, 'data') ?? typed, 'value').map(valueFrom);
    case 'struct':
      return Object.fromEntries(
        elementsOf(typed, 'member').map((member) => [childOf(member, 'name')?.text ?? '', valueIn(member)]),
      );
    default:
      throw new Error(`expected a value of a known type, found <${typed.name}>`);
  }
}

function faultOf(value: RpcValue): RpcFault {
  const { faultCode, faultString } = Object(value) as { readonly [name: string]: unknown };
  return new RpcFault(Number(faultCode), String(faultString));
}
