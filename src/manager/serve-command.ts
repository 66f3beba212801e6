import type { FastifyInstance } from 'fastify';
import { errorText, RunError, systemCode } from '../domain/errors.ts';
import type { Invocation } from './command-line.ts';
import { ManagerError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { isLoopback, type ListenAddress, listenText } from './listen-address.ts';
import { AccessLog } from './server/access-log.ts';
import { API } from './server/addresses.ts';
import { buildApp } from './server/app.ts';
import { LIMITS } from './server/limits.ts';
import { readSecrets, type SecretFiles, type Secrets } from './server/secrets.ts';
import { RIGHTS } from './server/tokens.ts';
import { prepareStore } from './session.ts';
import type { StopSignals } from './stop-signals.ts';
import { ReleaseStore } from './store.ts';
import { note } from './wording.ts';

/** For answers that are under way when the server is stopped. */
const GRACE_MS = 10_000;
const SWEEP_MS = 100;
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
  const outOfTime = new AbortController();
  const app = await buildApp({
    store,
    log,
    tokens: () => secrets.tokens,
    tls: secrets.tls,
    limits: { ...LIMITS, ...(invocation.maxUploadMib && { maxUploadBytes: invocation.maxUploadMib * MIB }) },
    reports: { kind: 'none' },
    stop: outOfTime.signal,
  });
  signals.onHangUp(() => {
    void readAgain(app, files).then((fresh) => {
      secrets = fresh ?? secrets;
    });
  });
  const address = invocation.listen;
  tellStart(await listen(app, address), { store, secrets, address });
  await aborted(signals.signal);
  note(`stopping: ${errorText(signals.signal.reason)}`);
  await closeGracefully(app, outOfTime);
  await log.close();
  return 0;
}

function secretFiles({ tokenFile, tls }: Invocation): SecretFiles {
  return { ...(tokenFile !== undefined && { tokens: tokenFile }), ...(tls !== undefined && { tls }) };
}

/** The new files, or undefined where they are not good: then all goes on with the old ones. */
async function readAgain(app: FastifyInstance, files: SecretFiles): Promise<Secrets | undefined> {
  try {
    const secrets = await readSecrets(files);
    if (secrets.tls !== undefined && 'setSecureContext' in app.server) {
      (app.server as unknown as { setSecureContext(pair: object): void }).setSecureContext(secrets.tls);
    }
    note(`read again: ${rightsText(secrets)}`);
    return secrets;
  } catch (error) {
    note(`nothing was read again, what was read before goes on to hold: ${errorText(error)}`);
    return undefined;
  }
}

/** The port that is listened on. Throws {@link ManagerError} `refused`. */
async function listen(app: FastifyInstance, address: ListenAddress): Promise<ListenAddress> {
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    const code = systemCode(error);
    if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAFNOSUPPORT'].includes(code ?? '')) throw error;
    throw new ManagerError('refused', `cannot listen on ${listenText(address)}: ${errorText(error)}`, {
      cause: error,
      hint:
        code === 'EADDRINUSE'
          ? 'Another program listens there: stop it, or choose another --listen.'
          : 'Choose another --listen.',
    });
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address;
}

interface Start {
  readonly store: ReleaseStore;
  readonly secrets: Secrets;
  readonly address: ListenAddress;
}

function tellStart(listening: ListenAddress, { store, secrets, address }: Start): void {
  const scheme = secrets.tls === undefined ? 'http' : 'https';
  note(`serving ${store.places.store} at ${scheme}://${listenText(listening)}${API.slice(0, -1)}`);
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

/** Takes no new requests, and ends when those that run are answered, or out of time. */
async function closeGracefully(app: FastifyInstance, outOfTime: AbortController): Promise<void> {
  const timer = setTimeout(() => {
    outOfTime.abort(new RunError('terminated', 'the server is being stopped'));
    app.server.closeAllConnections();
  }, GRACE_MS);
  // Node closes those that are idle now; an answer that is still under way leaves one that is kept alive.
  const sweeper = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  await app.close();
  clearInterval(sweeper);
  clearTimeout(timer);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
