// One request with the program's own HTTP client, in a process of its own: a client that hangs, lingers on a connection
// or ends without a word shows as a process that does. The order is JSON in the first argument, the result JSON on stdout.
import { createHash } from 'node:crypto';
import { trusting } from '../../dist/platform/certificates.js';
import { Http } from '../../dist/platform/http.js';
import { DirectWay } from '../../dist/platform/http-direct.js';
import { PlainWay } from '../../dist/platform/http-plain.js';
import { openProxyWay } from '../../dist/platform/http-proxy-way.js';

process.exitCode = 70;
const { url, method, token, limits, abortAtBytes, failingSink, way } = JSON.parse(process.argv[2]);
const bearer = token === undefined ? {} : { bearer: { origin: new URL(token.for).origin, token: token.token } };
const http = new Http({ userAgent: 'bin-proxy/test', ...bearer, way: wayOf(way) });
const received = [];
const whole = [];
const asked = new AbortController();
let restarts = 0;
const sink = {
  async write(chunk) {
    if (failingSink !== undefined) throw new Error(failingSink);
    received.push(Buffer.from(chunk));
    const bytes = received.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= abortAtBytes) setImmediate(() => asked.abort(new Error('the run is asked to end')));
  },
  async restart() {
    restarts++;
    received.length = 0;
  },
};

function wayOf({ certificates = [], none = [], by, ...proxies } = {}) {
  const secureContext = certificates.length === 0 ? undefined : trusting(certificates);
  const direct = new DirectWay(secureContext);
  if (by === 'node:http') return direct;
  if (by !== 'ky' && Object.keys(proxies).length === 0) return new PlainWay(async () => direct);
  const urls = Object.fromEntries(Object.entries(proxies).map(([scheme, proxy]) => [scheme, new URL(proxy)]));
  return openProxyWay({ proxies: { ...urls, none }, secureContext });
}

async function ask() {
  if (method === 'text') return http.text(new URL(url), limits);
  await http.download(new URL(url), sink, { ...limits, signal: asked.signal, onWhole: (why) => whole.push(why) });
  const bytes = Buffer.concat(received);
  return {
    bytes: bytes.length,
    md5: createHash('md5').update(bytes).digest('hex'),
    restarts,
    ...(whole.length > 0 && { whole }),
  };
}

try {
  console.log(JSON.stringify({ answer: await ask() }));
} catch (error) {
  const { name, message, kind, status, hint } = error;
  console.log(JSON.stringify({ trouble: { name, message, kind, status, hint } }));
}
process.exitCode = 0;
