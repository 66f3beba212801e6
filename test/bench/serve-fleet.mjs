// A fleet of hosts that asks one server: each for the index once a minute, and each tells of itself once in 15 minutes.
import { request } from 'node:http';
import autocannon from 'autocannon';

export const HOSTS = 10_000;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const KEEPALIVE_MINUTES = 15;
const CONNECTIONS = 50;
const WATCHED_SECONDS = 30;

/** What bin-proxy sends for a host with five binaries. Each host has an address of its own, as a proxy would tell it. */
function keepalive(host) {
  const id = `${host}`.padStart(32, '0');
  const binaries = Array.from({ length: 5 }, (_, n) => ({
    ...{ name: `app-${n}`, state: 'ok', version: '1.4.2', since: '2026-11-20T10:45:29.049Z' },
    ...{ sha256: `${n}`.repeat(64), md5: `${n}`.repeat(32) },
    ...{ follows: 'latest', wanted: { version: '1.4.2', sha256: `${n}`.repeat(64), md5: `${n}`.repeat(32) } },
  }));
  const facts = {
    nodeName: `web-${host}`,
    node_id: id,
    cpuArch: 'x86_64',
    osRelease: 'Debian GNU/Linux 12 (bookworm)',
  };
  return {
    path: `/api/v1/keepalive?node_id=${id}`,
    headers: { 'x-forwarded-for': `10.0.${host >> 8}.${host & 255}` },
    body: JSON.stringify({ ...facts, binProxyVersion: '0.1.0', binaries }),
  };
}

/** Every host tells of itself once, so that all of them are known. */
export function introduce(server) {
  return compressed(server, { amount: HOSTS, requests: [tellingHost()] });
}

/**
 * One minute of the fleet in real time: every host has a second of its own, and opens a connection for each question, as
 * cron's new process does. Returns milliseconds of all answers, from the connection to the last byte.
 */
export async function playMinute(server, etag) {
  const took = [];
  const gap = MINUTE_MS / HOSTS;
  const begun = performance.now();
  const running = [];
  for (let host = 0; host < HOSTS; host++) {
    const wait = begun + host * gap - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    running.push(
      ask(server, { path: '/api/v1/index.json', headers: { 'if-none-match': etag } }, 304).then((ms) => took.push(ms)),
    );
    if (host % KEEPALIVE_MINUTES === 0) {
      running.push(ask(server, { method: 'POST', ...keepalive(host) }, 201).then((ms) => took.push(ms)));
    }
  }
  await Promise.all(running);
  return took;
}

/**
 * Half a minute of the fleet in real time, while somebody asks for what `path` shows of it once a second. Returns
 * milliseconds of all conditional requests of the index.
 */
export async function playWatched(server, etag, path) {
  const took = [];
  const running = [];
  const gap = MINUTE_MS / HOSTS;
  const perSecond = Math.round(1000 / gap);
  const begun = performance.now();
  for (let host = 0; host < WATCHED_SECONDS * perSecond; host++) {
    const wait = begun + host * gap - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    running.push(
      ask(server, { path: '/api/v1/index.json', headers: { 'if-none-match': etag } }, 304).then((ms) => took.push(ms)),
    );
    if (host % KEEPALIVE_MINUTES === 0) running.push(ask(server, { method: 'POST', ...keepalive(host) }, 201));
    if (host % perSecond === 0) running.push(ask(server, { path }, 200));
  }
  await Promise.all(running);
  return took;
}

function ask(server, { body, ...options }, expected) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const one = request(`${server.origin}${options.path}`, { ...options, agent: false }, (response) => {
      if (response.statusCode !== expected) reject(new Error(`expected ${expected}, found ${response.statusCode}`));
      response.resume().once('end', () => resolve(performance.now() - begun));
    });
    one.once('error', reject).end(body);
  });
}

/** The requests of an hour, as fast as they are answered. Tells `watch` twenty times how much memory the server has. */
export async function playHour(server, etag, watch) {
  const asking = { method: 'GET', path: '/api/v1/index.json', headers: { 'if-none-match': etag } };
  const requests = [...Array.from({ length: KEEPALIVE_MINUTES }, () => asking), tellingHost()];
  const amount = HOSTS * HOUR_MINUTES * (requests.length / KEEPALIVE_MINUTES);
  return compressed(server, { amount, requests }, watch);
}

function tellingHost() {
  let host = 0;
  return { method: 'POST', setupRequest: (one) => ({ ...one, ...keepalive(host++ % HOSTS) }) };
}

async function compressed({ origin }, { amount, requests }, watch = () => {}) {
  const step = Math.floor(amount / 20);
  let answers = 0;
  const instance = autocannon({ url: origin, connections: CONNECTIONS, amount, requests });
  instance.on('response', () => {
    answers += 1;
    if (answers % step === 0) watch(answers);
  });
  const { statusCodeStats, errors, duration } = await instance;
  return {
    answers,
    statuses: Object.entries(statusCodeStats).map(([status, { count }]) => `${count} × ${status}`),
    errors,
    duration,
  };
}
