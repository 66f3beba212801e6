import { errorText } from '../domain/errors.ts';
import { TrustedProxies } from '../platform/proxy-trust.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import { isLoopback, listenText } from './listen-address.ts';
import { AccessLog } from './server/access-log.ts';
import { API } from './server/addresses.ts';
import { LIMITS } from './server/limits.ts';
import { ReleaseServer } from './server/release-server.ts';
import { readSecrets, type SecretFiles, type Secrets } from './server/secrets.ts';
import { RIGHTS } from './server/tokens.ts';
import { prepareStore } from './session.ts';
import type { StopSignals } from './stop-signals.ts';
import { ReleaseStore } from './store.ts';
import { note } from './wording.ts';

const STDOUT = 1;
const MIB = 2 ** 20;

/** `bin-manager serve`: ends with 0 when it is told to stop. */
export async function serveCommand(invocation: Invocation, signals: StopSignals): Promise<ExitCode> {
  const store = new ReleaseStore(invocation.store);
  const files = secretFiles(invocation);
  let secrets = await readSecrets(files);
  // Where nobody may publish, an empty store would only hide a wrong --store.
  if (secrets.tokens.has('publish')) await prepareStore(store);
  await store.names();
  const log = new AccessLog(STDOUT);
  const server = await ReleaseServer.open({
    store,
    log,
    address: invocation.listen,
    tokens: () => secrets.tokens,
    tls: secrets.tls,
    proxies: invocation.proxies ?? new TrustedProxies(),
    limits: { ...LIMITS, ...(invocation.maxUploadMib && { maxUploadBytes: invocation.maxUploadMib * MIB }) },
    deltas: invocation.deltas,
    reports: invocation.switches.has('no-reports') ? 'none' : 'taken',
  });
  signals.onHangUp(() => {
    void readAgain(server, files).then((fresh) => {
      secrets = fresh ?? secrets;
    });
  });
  tellStart(server, store, secrets);
  await aborted(signals.signal);
  note(`stopping: ${errorText(signals.signal.reason)}`);
  await server.close();
  await log.close();
  return 0;
}

function secretFiles({ tokenFile, tls }: Invocation): SecretFiles {
  return { ...(tokenFile !== undefined && { tokens: tokenFile }), ...(tls !== undefined && { tls }) };
}

/** The new files, or undefined where they are not good: then all goes on with the old ones. */
async function readAgain(server: ReleaseServer, files: SecretFiles): Promise<Secrets | undefined> {
  try {
    const secrets = await readSecrets(files);
    if (secrets.tls !== undefined) server.renew(secrets.tls);
    note(`read again: ${rightsText(secrets)}`);
    return secrets;
  } catch (error) {
    note(`nothing was read again, what was read before goes on to hold: ${errorText(error)}`);
    return undefined;
  }
}

function tellStart({ address }: ReleaseServer, store: ReleaseStore, secrets: Secrets): void {
  const scheme = secrets.tls === undefined ? 'http' : 'https';
  note(`serving ${store.places.store} at ${scheme}://${listenText(address)}${API.slice(0, -1)}`);
  note(rightsText(secrets));
  if (secrets.tls !== undefined || isLoopback(address)) return;
  note('warning: without TLS anybody on the way can change what hosts run; see "TLS" in docs/bin-manager.md');
}

/** `publish: ci; read: all; report: all`. */
function rightsText({ tokens }: Secrets): string {
  return RIGHTS.map((right) => {
    const names = tokens.holders.filter(({ rights }) => rights.has(right)).map(({ name }) => name);
    return `${right}: ${names.length > 0 ? names.join(', ') : tokens.needs(right) ? 'nobody' : 'everybody'}`;
  }).join('; ');
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
