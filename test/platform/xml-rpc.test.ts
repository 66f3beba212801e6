import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { callRpc, RpcFault, type RpcServer, RpcSilence, readAnswer } from '../../src/platform/xml-rpc.ts';

const answer = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>${value}</value>\n</param>\n</params>\n</methodResponse>\n`;
const fault = `<?xml version='1.0'?><methodResponse><fault><value><struct>
<member><name>faultCode</name><value><int>10</int></value></member>
<member><name>faultString</name><value><string>BAD_NAME: app</string></value></member>
</struct></value></fault></methodResponse>`;

describe('an answer of XML-RPC', () => {
  it.each([
    ['<int>-7</int>', -7],
    ['<i4>20</i4>', 20],
    ['<double>1.5</double>', 1.5],
    ['<boolean>1</boolean>', true],
    ['<boolean>0</boolean>', false],
    ['<string>a &lt;b&gt; &amp; c\n</string>', 'a <b> & c\n'],
    ['<string></string>', ''],
    ['untyped', 'untyped'],
    ['', ''],
    ['<array><data>\n<value><int>1</int></value>\n<value>two</value>\n</data></array>', [1, 'two']],
    ['<array><data></data></array>', []],
    [
      '<struct>\n<member>\n<name>pid</name>\n<value><int>7</int></value>\n</member>\n<member><name>name</name><value><string>app</string></value></member></struct>',
      { pid: 7, name: 'app' },
    ],
  ])('%j is read', (value, expected) => {
    expect(readAnswer(answer(value))).toEqual(expected);
  });

  it('may hold what XML has no place for: Python writes it nevertheless', () => {
    expect(readAnswer(answer('<string>\u001b[31mred\u0000</string>'))).toBe('\ufffd[31mred\ufffd');
  });

  it('may be a fault', () => {
    expect(() => readAnswer(fault)).toThrow(new RpcFault(10, 'BAD_NAME: app'));
  });

  it.each([
    '',
    'unknown',
    '<html></html>',
    '<methodResponse/>',
    '<methodResponse><params/></methodResponse>',
    answer('<struct>').slice(0, 90),
    answer('<nil/>'),
    `<!DOCTYPE a [<!ENTITY b "c">]>${answer('<string>&b;</string>')}`,
  ])('%j is none', (hostile) => {
    expect(() => readAnswer(hostile)).toThrow();
  });

  it('is read or refused, whatever it is', () => {
    const part = fc.constantFrom(
      '<value>',
      '</value>',
      '<struct>',
      '<member>',
      '<name>',
      '<array>',
      '<data>',
      '&lt;',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
        try {
          readAnswer(answer(parts.join('')));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});

describe('a call', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function serving(listener: RequestListener): Promise<RpcServer> {
    const listening = createServer(listener);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    return { address: { host: '127.0.0.1', port: (listening.address() as AddressInfo).port }, auth: 'admin:p:w' };
  }

  const call = { method: 'supervisor.readLog', parameters: ['a<b>&c', -5], timeoutMs: 5_000 };

  it('is one request, with its parameters and its credentials', async () => {
    let seen: unknown;
    const target = await serving((request, response) => {
      const { method, url, headers } = request;
      void text(request).then((body) => {
        seen = { method, url, authorization: headers.authorization, body };
        response.end(answer('<string>log</string>'));
      });
    });
    expect(await callRpc(target, call)).toBe('log');
    expect(seen).toEqual({
      method: 'POST',
      url: '/RPC2',
      authorization: `Basic ${Buffer.from('admin:p:w').toString('base64')}`,
      body:
        '<?xml version="1.0"?><methodCall><methodName>supervisor.readLog</methodName><params>' +
        '<param><value><string>a&lt;b&gt;&amp;c</string></value></param><param><value><int>-5</int></value></param>' +
        '</params></methodCall>',
    });
  });

  it('fails where the server refuses, and names the status', async () => {
    const target = await serving((_, response) => response.writeHead(401).end('who are you?'));
    await expect(callRpc(target, call)).rejects.toThrow('expected an answer with status 200, found 401');
  });

  it('fails where the answer grows without end', async () => {
    const target = await serving((_, response) => {
      const more = () => void (response.writable && response.write('x'.repeat(1 << 20), more));
      more();
    });
    await expect(callRpc(target, call)).rejects.toThrow(/bytes at most/);
  });

  it('does not wait for an answer that is none', async () => {
    const target = await serving(() => {});
    server?.on('connection', (socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n');
    });
    await expect(callRpc(target, { ...call, timeoutMs: 300 })).rejects.toBeInstanceOf(RpcSilence);
  });

  it('tells silence from a refusal', async () => {
    const target = await serving(() => {});
    await expect(callRpc(target, { ...call, timeoutMs: 100 })).rejects.toBeInstanceOf(RpcSilence);
    server?.closeAllConnections();
    server?.close();
    await expect(callRpc(target, call)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
