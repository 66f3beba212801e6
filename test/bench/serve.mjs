// npm run bench:serve [ROUNDS]: answers a second of CPU time, of `bin-manager serve` and of the real nginx, in turns on one store.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = 3;
const PORTS = { serve: 18_181, nginx: 18_182 };
const TICKS_A_SECOND = 100;
const MANAGER = new URL('../../bin/bin-manager.js', import.meta.url).pathname;
const SITE = readFileSync(new URL('../../config/nginx.conf', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'bin-manager-bench-'));
const store = join(folder, 'store');

function makeStore() {
  writeFileSync(join(folder, 'app'), '#!/bin/sh\necho app\n');
  for (let n = 0; n < 10; n++)
    execFileSync(process.execPath, [MANAGER, 'publish', `app-${n}`, join(folder, 'app'), '--store', store]);
}

function startNginx() {
  const site = SITE.replace('listen 8080;', `listen 127.0.0.1:${PORTS.nginx};`).replace('/var/lib/bin-manager', store);
  const config = `daemon off; master_process off; user root; pid ${folder}/pid; error_log stderr; events {}
    http { access_log ${folder}/access.log; keepalive_requests 100000000; client_body_temp_path ${folder}/t; ${site} }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  return spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
}

const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
};
const rssMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(pid, url, headers) {
  const before = cpuSeconds(pid);
  const { requests, statusCodeStats } = await autocannon({ url, headers, connections: 50, duration: SECONDS });
  return {
    perCpuSecond: requests.total / (cpuSeconds(pid) - before),
    total: requests.total,
    statuses: Object.keys(statusCodeStats).join(),
  };
}

mkdirSync(join(folder, 'logs'));
makeStore();
const out = { stdio: ['ignore', 'ignore', 'ignore'] };
const serve = spawn(
  process.execPath,
  [MANAGER, 'serve', '--store', store, '--listen', `127.0.0.1:${PORTS.serve}`],
  out,
);
const servers = { serve, nginx: startNginx() };
try {
  await delay(3000);
  const etag = (await fetch(`http://127.0.0.1:${PORTS.nginx}/api/v1/index.json`)).headers.get('etag');
  const kinds = {
    '304 of index.json': ['index.json', { 'if-none-match': etag }],
    'md5 answer': ['releases/latest/app-3/md5', {}],
  };
  let rss;
  let sent = 0;
  for (const [kind, [path, headers]] of Object.entries(kinds)) {
    const found = { serve: [], nginx: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of ['serve', 'nginx']) {
        const got = await measure(servers[name].pid, `http://127.0.0.1:${PORTS[name]}/api/v1/${path}`, headers);
        found[name].push(got.perCpuSecond);
        if (name === 'serve') sent += got.total;
        if (round === 0) console.log(`${kind}, ${name}: status ${got.statuses}, ${got.total} in ${SECONDS} s`);
      }
      rss ??= rssMib(serve.pid);
    }
    const ratios = found.serve.map((value, index) => value / found.nginx[index]);
    console.log(
      `${kind}: a second of CPU time answers ${Math.round(median(found.serve))} (serve), ${Math.round(median(found.nginx))} (nginx); median ratio ${median(ratios).toFixed(2)}`,
    );
  }
  console.log(
    `RSS of serve: ${rss.toFixed(0)} MiB after the first round, ${rssMib(serve.pid).toFixed(0)} MiB after ${sent} answers`,
  );
} finally {
  for (const child of Object.values(servers)) child.kill('SIGTERM');
  await delay(500);
  rmSync(folder, { recursive: true, force: true });
}
