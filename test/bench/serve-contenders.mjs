// The servers that are compared: `bin-manager serve`, the real nginx, and Node's own server with nothing behind it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const BINARIES = 10;
const PORTS = { serve: 18_181, nginx: 18_182, bare: 18_183 };
const START_MS = 3000;
const MANAGER = new URL('../../bin/bin-manager.js', import.meta.url).pathname;
const BARE = new URL('./bare-http.mjs', import.meta.url).pathname;
const SITE = readFileSync(new URL('../../config/nginx.conf', import.meta.url), 'utf8');

/** A server under test, and what it has used. */
class Contender {
  constructor(name, child) {
    this.name = name;
    this.origin = `http://127.0.0.1:${PORTS[name]}`;
    this.api = `${this.origin}/api/v1`;
    this.child = child;
  }

  /** Of all its threads; `/proc/PID/stat` counts in hundredths of a second only. */
  get cpuSeconds() {
    const tasks = `/proc/${this.child.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) => readFileSync(join(tasks, task, 'schedstat'), 'utf8'));
    return nanoseconds.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9;
  }

  get rssMib() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]) / 1024;
  }
}

/** Starts all of them on one store, lets `work` measure them, and removes every trace. */
export async function withContenders(work) {
  const folder = mkdtempSync(join(tmpdir(), 'bin-manager-bench-'));
  const store = join(folder, 'store');
  makeStore(folder, store);
  const start = (command, args) => spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const listen = ['--listen', `127.0.0.1:${PORTS.serve}`, '--trust-proxy', '127.0.0.1'];
  const serve = [MANAGER, 'serve', '--store', store, ...listen];
  const contenders = {
    serve: new Contender('serve', start(process.execPath, serve)),
    nginx: new Contender('nginx', start('nginx', ['-p', folder, '-c', nginxConfig(folder, store)])),
    bare: new Contender('bare', start(process.execPath, [BARE, String(PORTS.bare)])),
  };
  try {
    await delay(START_MS);
    await work(contenders);
  } finally {
    for (const { child } of Object.values(contenders)) child.kill('SIGKILL');
    await delay(500);
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeStore(folder, store) {
  writeFileSync(join(folder, 'app'), '#!/bin/sh\necho app\n');
  for (let n = 0; n < BINARIES; n++) {
    const args = ['publish', `app-${n}`, join(folder, 'app'), '--store', store];
    execFileSync(process.execPath, [MANAGER, ...args], { stdio: 'ignore' });
  }
}

function nginxConfig(folder, store) {
  mkdirSync(join(folder, 'logs'));
  const site = SITE.replace('listen 8080;', `listen 127.0.0.1:${PORTS.nginx};`).replace('/var/lib/bin-manager', store);
  const http = `access_log ${folder}/access.log; keepalive_requests 100000000; client_body_temp_path ${folder}/t;`;
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; user root; pid ${folder}/pid; error_log stderr; events {} http { ${http} ${site} }`,
  );
  return file;
}
