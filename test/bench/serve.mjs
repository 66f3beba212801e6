// npm run bench:serve [ROUNDS [SECONDS]]: what `bin-manager serve` answers in a second of CPU time, in turns with the real
// nginx and with Node's own server; then a fleet of 10,000 hosts for a minute, and all that it asks in an hour.
import autocannon from 'autocannon';
import { withContenders } from './serve-contenders.mjs';
import { HOSTS, introduce, playHour, playMinute, playWatched } from './serve-fleet.mjs';

const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number);
const sorted = (values) => values.toSorted((a, b) => a - b);
const quantile = (values, share) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))];
const median = (values) => quantile(values, 0.5);

async function measure(contender, path, headers) {
  const before = contender.cpuSeconds;
  const url = `${contender.api}/${path}`;
  const { requests, statusCodeStats } = await autocannon({ url, headers, connections: 50, duration: seconds });
  const statuses = Object.keys(statusCodeStats).join();
  return { perCpuSecond: requests.total / (contender.cpuSeconds - before), statuses };
}

async function compare(contenders, kind, [path, status, headers]) {
  const found = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // The first round is for the compilers.
  for (let round = -1; round < rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const { perCpuSecond, statuses } = await measure(contender, path, headers);
      if (statuses !== status) throw new Error(`${name}: expected ${status}, found ${statuses}`);
      if (round >= 0) found[name].push(perCpuSecond);
    }
  }
  for (const [name, values] of Object.entries(found)) {
    const ratios = values.map((value, round) => value / found.nginx[round]);
    const spread = `${quantile(ratios, 0).toFixed(2)} to ${quantile(ratios, 1).toFixed(2)}`;
    console.log(
      `${kind}, ${name}: ${Math.round(median(values))} a CPU second, ${median(ratios).toFixed(2)} of nginx (${spread})`,
    );
  }
}

async function fleet(serve, etag) {
  await introduce(serve);
  console.log(`${HOSTS} hosts are known: RSS ${serve.rssMib.toFixed(0)} MiB`);
  const before = serve.cpuSeconds;
  const took = await playMinute(serve, etag);
  const share = ((serve.cpuSeconds - before) / 60) * 100;
  const times = [0.5, 0.99, 1].map((part) => quantile(took, part).toFixed(1)).join(', ');
  console.log(
    `a minute in real time: ${took.length} answers, p50, p99 and worst ${times} ms; ${share.toFixed(1)} % of a CPU`,
  );
}

async function watched(serve, etag) {
  for (const path of ['/', '/api/v1/nodes']) {
    const took = await playWatched(serve, etag, path);
    const times = [0.5, 0.99, 1].map((part) => quantile(took, part).toFixed(1)).join(', ');
    console.log(`304s while somebody asks for ${path} once a second: p50, p99 and worst ${times} ms`);
  }
}

async function hour(serve, etag) {
  const rss = [];
  const before = serve.cpuSeconds;
  const done = await playHour(serve, etag, () => rss.push(serve.rssMib));
  const used = (serve.cpuSeconds - before).toFixed(0);
  const [start, middle, end] = [0, Math.floor(rss.length / 2), rss.length - 1].map((at) => rss[at].toFixed(0));
  console.log(
    `an hour in ${done.duration.toFixed(0)} s: ${done.statuses.join(', ')}, ${done.errors} errors, ${used} s of CPU time`,
  );
  console.log(`RSS after a twentieth, the half and all of it: ${start}, ${middle}, ${end} MiB`);
}

await withContenders(async (contenders) => {
  const { headers } = await fetch(`${contenders.nginx.api}/index.json`);
  const etag = headers.get('etag');
  const host = { 'user-agent': 'bin-proxy/0.1.0' };
  await compare(contenders, '304 of index.json', ['index.json', '304', { ...host, 'if-none-match': etag }]);
  await compare(contenders, 'md5 answer', ['releases/latest/app-3/md5', '200', host]);
  await fleet(contenders.serve, etag);
  await watched(contenders.serve, etag);
  await hour(contenders.serve, etag);
});
