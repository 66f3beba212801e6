import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorText } from '../../domain/errors.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http-server.ts';
import { offeredNow } from '../offered-now.ts';
import { OneAtATime } from '../one-at-a-time.ts';
import { publish } from '../publish.ts';
import type { ReleaseStore } from '../store.ts';
import { note } from '../wording.ts';
import { API } from './addresses.ts';
import type { Counters } from './counters.ts';
import { Refusal } from './trouble.ts';
import { type UploadRequest, uploadRequest } from './upload-request.ts';

/**
 * Once all bytes of an upload are there: how long its deltas may take, and how long it then waits for another writer.
 * Nothing is sent meanwhile, and nginx gives up whoever says nothing for a minute (proxy_read_timeout), so both together
 * are less than that.
 */
const DELTAS_MS = 30_000;
const WAIT_MS = 25_000;

export interface UploadOptions {
  readonly store: ReleaseStore;
  readonly counters: Counters;
  readonly maxUploadBytes: number;
  /** From how many former releases there are to be deltas. */
  readonly deltas: number;
  /** Aborted when the server has no more time. */
  readonly stop: AbortSignal;
}

interface Taking extends UploadOptions {
  readonly turns: OneAtATime;
}

/** `PUT /api/v1/releases/{name}/{version}`: the same as `bin-manager publish`, with the same answer. */
export function uploadRoute(app: FastifyInstance, options: UploadOptions): void {
  // Bytes are taken as they come, whatever they say they are.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  const taking = { ...options, turns: new OneAtATime() };
  app.put(`${API}releases/:name/:version`, async (request, reply) => {
    request.label = 'upload';
    try {
      const answer = await take(taking, request, reply);
      options.counters.upload(answer.what);
      return await reply
        .code(answer.what === 'published' ? 201 : 200)
        .headers({
          'cache-control': 'no-cache',
          location: `${API}releases/${answer.version}/${answer.name}/release.json`,
        })
        .header('content-type', 'application/json')
        .send(Buffer.from(`${JSON.stringify(answer)}\n`));
    } catch (error) {
      options.counters.upload('failed');
      throw error;
    }
  });
}

async function take(options: Taking, request: FastifyRequest, reply: FastifyReply) {
  const { store, stop, turns } = options;
  const { headers, params, query } = request;
  const deltas = { count: options.deltas, totalMs: DELTAS_MS, turns };
  const publication = { ...uploadRequest({ headers, params, query } as UploadRequest), deltas };
  if (Number(headers['content-length'] ?? 0) > options.maxUploadBytes) throw tooLarge(options.maxUploadBytes);
  const onWait = ({ pid }: { readonly pid: number }) =>
    note(`${publication.name} ${publication.version} waits for pid ${pid}, which writes to the store`);
  const conditions = { now: () => new Date(), waitMs: WAIT_MS, onWait, signal: stop };
  const published = await publish(
    store,
    { ...publication, bytes: received(request.raw, reply.raw, options) },
    conditions,
  );
  const { artifact, name, version, channel } = published;
  note(
    `${request.holder?.name}: ${name} ${version} for ${artifact.platform} to ${channel}, ${published.what}: sha256:${artifact.sha256}`,
  );
  return { schema: 'bin-manager/publish/1', ...published, answers: await offeredNow(store, name, channel) };
}

/** An upload that is refused on its way is still read to its end by Node, so that its sender reads why. */
async function* received(
  request: HttpRequest,
  response: HttpResponse,
  options: UploadOptions,
): AsyncIterable<Uint8Array> {
  // Only now, when all that can be refused without its bytes is (RFC 9110 section 10.1.1).
  if (request.headers.expect !== undefined) response.writeContinue();
  const body: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      options.counters.received(chunk.length);
      if (size > options.maxUploadBytes) throw tooLarge(options.maxUploadBytes);
      yield chunk;
    }
    // From now on the silence is ours. Node sets its timeout again once this is answered.
    request.socket.setTimeout(0);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, `the upload broke off after ${size} bytes: ${errorText(error)}`);
  }
}

function tooLarge(most: number): Refusal {
  return new Refusal(413, `expected at most ${most} bytes`, {
    hint: 'Start the server with a larger --max-upload.',
  });
}
