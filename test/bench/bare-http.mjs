// node bare-http.mjs PORT: answers as a release server would, out of thin air: what Node's own server costs by itself.
import { createServer } from 'node:http';

const validators = ['ETag', '"692050a0-bc4"', 'Last-Modified', 'Fri, 21 Nov 2025 11:00:00 GMT'];
const unchanged = [...validators, 'Cache-Control', 'no-cache'];
const body = `${JSON.stringify({ code: 0, message: 'success', data: { md5: '0'.repeat(32) } })}\n`;
const whole = [...unchanged, 'Content-Type', 'application/json', 'Content-Length', String(body.length)];

const server = createServer(({ headers }, response) => {
  if (headers['if-none-match'] === undefined) response.writeHead(200, whole).end(body);
  else response.writeHead(304, unchanged).end();
});
server.listen(Number(process.argv[2]), '127.0.0.1');
