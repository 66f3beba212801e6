import { errorText } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import type { TextAnswer } from '../../platform/http.ts';
import { HttpTrouble, printable } from '../../platform/http-trouble.ts';
import { WayUntil } from '../../platform/http-until.ts';
import { serverCertificate } from '../../platform/tls-facts.ts';
import { believing, composeLook, type LookHalf, wayOf } from '../compose-look.ts';
import { bytes, span } from '../desk-words.ts';
import { type Check, fail, ok, type Patient, type Said, skip, warn } from './finding.ts';

export const NETWORK_CHECKS: readonly Check[] = [
  { name: 'server', look: lookAtServer },
  { name: 'certificate', look: lookAtCertificate },
  { name: 'proxy', look: ({ settings, found }) => Promise.resolve(lookAtProxy(settings, found.found)) },
];

/** An index may be long, and here it is only looked at. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
/** A little less than any check has, so that the server's own story is told. */
const PATIENCE_MS = 4_500;
const CLOCK_WARN_SECONDS = 30;
/** A host so far off finds certificates that are not valid yet, and quarantines that never end. */
const CLOCK_FAIL_SECONDS = 3600;
const DAY_MS = 86_400_000;
const EXPIRY_WARN_DAYS = 21;
const MOST_TOLD = 5;

async function lookAtServer(patient: Patient, signal: AbortSignal): Promise<readonly Said[]> {
  const { settings } = patient;
  const half = await composeLook(settings, new WayUntil(await wayOf(settings), signal));
  const begun = performance.now();
  let answer: TextAnswer;
  try {
    const url = new URL(`${settings.api.href.replace(/\/+$/, '')}/index.json`);
    answer = await half.http.text(url, { maxBytes: MAX_INDEX_BYTES, totalMs: PATIENCE_MS });
  } catch (error) {
    if (!(error instanceof HttpTrouble)) throw error;
    return [
      fail(errorText(error), error.hint ?? 'Is it up, and is BIN_MANAGER_API its address? curl -i tells the same.'),
    ];
  }
  const ms = performance.now() - begun;
  const said = sayAnswer(answer, half.source.label, ms);
  const offered = said.verdict === 'fail' ? [] : await lookAtReleases(patient, half);
  return [said, ...sayClock(answer, ms, Date.now()), ...offered];
}

function sayAnswer({ status, text }: TextAnswer, label: string, ms: number): Said {
  const told = `${label} answered in ${Math.round(ms)} ms`;
  if (status === 200) return ok(`${told}, with ${bytes(Buffer.byteLength(text))} of index`);
  if (status === 401 || status === 403)
    return fail(
      `${told}: HTTP ${status}`,
      'It wants a valid token: set BIN_MANAGER_TOKEN_FILE, or correct what is in it.',
    );
  if (status === 408 || status === 429 || status >= 500)
    return fail(`${told}: HTTP ${status}`, 'It is in trouble of its own; look at its log.');
  return ok(`${told}; it has no index (HTTP ${status}), and is asked once a binary`);
}

/** The time at which an answer was made, as its sender has it (RFC 9110 section 6.6.1), against the middle of the wait. */
function sayClock(answer: TextAnswer, ms: number, now: number): readonly Said[] {
  const server = Date.parse(answer.header('date') ?? '');
  if (Number.isNaN(server)) return [{ ...skip('the server sends no Date'), check: 'clock' }];
  // A Date has no fractions: on the average it is half a second behind.
  const seconds = (now - ms / 2 - (server + 500)) / 1000;
  const off = `this host is ${span(Math.abs(seconds))} ${seconds < 0 ? 'behind' : 'ahead of'} the server`;
  const advice = 'Which of them is right? timedatectl, chronyc tracking';
  if (Math.abs(seconds) < CLOCK_WARN_SECONDS) return [{ ...ok('agrees with the server'), check: 'clock' }];
  const said = Math.abs(seconds) < CLOCK_FAIL_SECONDS ? warn(off, advice) : fail(off, advice);
  return [{ ...said, check: 'clock' }];
}

/** Whether the server knows each binary. What is to be done about it is the plan's business. */
async function lookAtReleases({ entries }: Patient, { source }: LookHalf): Promise<readonly Said[]> {
  if (entries.length === 0) return [];
  const { answers, warnings } = await source.ask(entries);
  const refused = entries.flatMap(({ name }) => {
    const answer = answers.get(name);
    return answer?.kind === 'refused' ? [{ name, error: answer.error }] : [];
  });
  const said: Said[] = warnings.map((text) => warn(text, 'See "An index" in docs/release-server.md.'));
  for (const { name, error } of refused.slice(0, MOST_TOLD))
    said.push(warn(`${name}: ${errorText(error)}`, error.hint ?? `Publish it, or: bin-proxy manifest remove ${name}`));
  if (refused.length > MOST_TOLD)
    said.push(warn(`${refused.length - MOST_TOLD} more binaries are not offered`, 'bin-proxy plan tells of each.'));
  if (refused.length === 0) said.push(ok(`offers ${entries.length} of ${entries.length} binaries`));
  return said.map((one) => ({ ...one, check: 'releases' }));
}

async function lookAtCertificate({ settings, now }: Patient, signal: AbortSignal): Promise<readonly Said[]> {
  const { api, caFile, proxies } = settings;
  if (api.protocol !== 'https:') {
    if (/^(localhost|127\..*|\[::1\])$/.test(api.hostname)) return [skip('the server is this host itself')];
    return [warn(`${printable(api)} is not https: who is on the way decides what root runs here`, 'Use https.')];
  }
  if (proxies?.https !== undefined) return [skip('not looked at through a proxy')];
  const context = caFile === undefined ? undefined : await believing(caFile);
  const { subject, validTo } = await serverCertificate(api, context, signal);
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
  const day = validTo.toISOString().slice(0, 10);
  const advice = 'Renew it on the server.';
  if (days < 0) return [fail(`that of ${subject} ended on ${day}`, advice)];
  const told = `that of ${subject} ends on ${day}, in ${days} days`;
  return [days < EXPIRY_WARN_DAYS ? warn(told, advice) : ok(told)];
}

function lookAtProxy({ proxies, api }: Settings, found: Patient['found']['found']): readonly Said[] {
  if (proxies === undefined) return [ok('none: servers are asked directly')];
  const places = (['httpsProxy', 'httpProxy', 'allProxy'] as const).flatMap((key) => {
    const one = found.get(key);
    return one === undefined ? [] : [one.place ?? one.from];
  });
  const proxy = api.protocol === 'https:' ? proxies.https : proxies.http;
  const which = proxy === undefined ? 'none for this server' : proxy.origin;
  const except = proxies.none.length === 0 ? '' : `, but for ${proxies.none.join(', ')}`;
  return [ok(`${which} (${places.join(', ')})${except}`)];
}
