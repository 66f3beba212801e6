// npm run bench:fleet: what many hosts are to a server. How their polls spread (simulated, with the program's own draw), what
// they ask for in a month (bytes of real ticks through a counting relay), and how many of them one nginx carries (measured).
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { hostDraw } from '../../dist/platform/host-id.js';

const HOSTS = 100_000;
const MINUTE = 60;
const MONTH = 30 * 24 * MINUTE;
const SECONDS = 5;
const TICKS_A_SECOND = 100;
const PORT = 18_191;
const PROXY = new URL('../../bin/bin-proxy.js', import.meta.url).pathname;
const MANAGER = new URL('../../bin/bin-manager.js', import.meta.url).pathname;
const shipped = (name) => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-fleet-'));
const store = join(folder, 'store');

/** Requests in each second of a minute, where every host waits its share of so many seconds. */
function spread(splaySeconds) {
  const requests = new Array(MINUTE).fill(0);
  for (let host = 0; host < HOSTS; host++) {
    const id = createHash('md5').update(String(host)).digest('hex');
    requests[Math.floor(hostDraw(id, 'splay') * splaySeconds)]++;
  }
  return Math.max(...requests) / (HOSTS / MINUTE);
}

function startNginx() {
  const site = shipped('nginx.conf')
    .replace('listen 8080;', `listen 127.0.0.1:${PORT};`)
    .replace('/var/lib/bin-manager', store);
  const config = `daemon off; master_process off; user root; pid ${folder}/pid; error_log stderr; events { worker_connections 10000; }
    http { access_log ${folder}/access.log; client_body_temp_path ${folder}/t; ${site} }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  return spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
}

/** A relay to nginx that counts what passes. */
async function relay() {
  const passed = { bytes: 0 };
  const server = createServer((socket) => {
    const upstream = connect(PORT, '127.0.0.1');
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ]) {
      from.on('data', (chunk) => {
        passed.bytes += chunk.length;
      });
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { passed, port: server.address().port, close: () => server.close() };
}

/** Bytes in both directions of an idle tick with so many binaries. */
async function bytesOfTick(binaries, { passed, port }) {
  const home = join(folder, `host-${binaries}`);
  mkdirSync(join(home, 'bin'), { recursive: true });
  const names = Array.from({ length: binaries }, (_, n) => ({ name: `app-${n}`, service: false }));
  writeFileSync(join(home, 'manifest'), JSON.stringify({ binaries: names }));
  writeFileSync(join(home, 'config'), '');
  const env = {
    PATH: process.env.PATH,
    BIN_MANAGER_API: `http://127.0.0.1:${port}/api/v1`,
    BIN_DIR: join(home, 'bin'),
    BIN_MANIFESTS: join(home, 'manifest'),
    BIN_PROXY_CONFIG: join(home, 'config'),
    BIN_PROXY_STATE_DIR: join(home, 'state'),
    BIN_PROXY_LOCK_FILE: join(home, 'run/lock'),
    LOG_FILE: join(home, 'log'),
  };
  const tick = async () => {
    const child = spawn(process.execPath, [PROXY], { env, stdio: 'ignore' });
    await new Promise((resolve) => child.on('exit', resolve));
  };
  await tick();
  await tick();
  passed.bytes = 0;
  await tick();
  return passed.bytes;
}

const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
};

/** Polls that a second of nginx's processor time answers, each over a connection of its own, as hosts have it. */
async function polls(pid) {
  const url = `http://127.0.0.1:${PORT}/api/v1/index.json`;
  const etag = (await fetch(url)).headers.get('etag');
  const before = cpuSeconds(pid);
  const { requests, statusCodeStats } = await autocannon({
    url,
    headers: { 'if-none-match': etag, connection: 'close' },
    connections: 50,
    duration: SECONDS,
  });
  return { perCpuSecond: requests.total / (cpuSeconds(pid) - before), statuses: Object.keys(statusCodeStats).join() };
}

const splay = Number(/BIN_PROXY_SPLAY_SECONDS=(\d+)/.exec(shipped('bin-proxy.cron'))[1]);
console.log(`${HOSTS.toLocaleString('en')} hosts, one poll a minute: peak over mean requests per second`);
console.log(`  plain cron                       ${spread(0).toFixed(2)}`);
console.log(`  splay of ${splay} s, as it is shipped  ${spread(splay).toFixed(2)}  (wanted: 1.3)`);

writeFileSync(join(folder, 'app'), '#!/bin/sh\necho app\n');
execFileSync(process.execPath, [MANAGER, 'publish', 'app-0', join(folder, 'app'), '--store', store], {
  stdio: 'ignore',
});
// A hundred binaries are one under many names: an index is not dearer for being true.
const index = join(store, 'api/v1/index.json');
const text = JSON.parse(readFileSync(index, 'utf8'));
const names = Array.from({ length: 100 }, (_, n) => [`app-${n}`, text.binaries['app-0']]);
rmSync(index);
writeFileSync(index, JSON.stringify({ ...text, binaries: Object.fromEntries(names) }));
const nginx = startNginx();
const through = await relay();
try {
  await delay(1000);
  console.log('one host, a month of idle ticks (bytes of HTTP in both directions, without TCP and TLS)');
  for (const binaries of [1, 5, 100]) {
    const bytes = await bytesOfTick(binaries, through);
    const month = ((bytes * MONTH) / 2 ** 20).toFixed(1);
    console.log(
      `  ${String(binaries).padStart(3)} binaries: ${bytes} bytes a tick, ${MONTH.toLocaleString('en')} requests and ${month} MiB a month`,
    );
  }
  const { perCpuSecond, statuses } = await polls(nginx.pid);
  const carried = Math.floor((perCpuSecond * MINUTE) / spread(splay));
  console.log(
    `nginx, a connection for each poll: ${Math.round(perCpuSecond).toLocaleString('en')} a second of processor time (status ${statuses}), so at its peak one core carries ${carried.toLocaleString('en')} hosts`,
  );
} finally {
  through.close();
  nginx.kill('SIGTERM');
  await delay(300);
  rmSync(folder, { recursive: true, force: true });
}
