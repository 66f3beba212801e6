import type { HttpRequest, HttpResponse } from '../../platform/http-server.ts';
import { hasBody, lingerAfter } from './bodies.ts';
import type { Limits } from './limits.ts';
import type { StaticAnswers, StaticExchange } from './static-answers.ts';
import { presentedToken, type TokenHolder, type Tokens } from './tokens.ts';
import { answerTrouble } from './trouble.ts';
import type { Watch } from './watch.ts';

export interface FrontOptions {
  readonly answers: StaticAnswers;
  /** As they are now: they may be read anew. */
  readonly tokens: () => Tokens;
  readonly watch: Watch;
  readonly limits: Pick<Limits, 'urlCharacters'>;
}

/** Fastify, as a server of Node hands requests to it. */
export type Listener = (request: HttpRequest, response: HttpResponse) => void;

/**
 * Answers polls and downloads without Fastify, whose hooks, requests and replies take more time than the answer: what
 * lies in the store needs no more than a look at its name. Everything else goes on to `next`, and so does whoever may
 * not read here: why not is said in one place.
 */
export function front(options: FrontOptions, next: Listener): Listener {
  const { answers, tokens, limits } = options;
  return (request, response) => {
    const { method, url = '' } = request;
    const isRead = (method === 'GET' || method === 'HEAD') && url.length <= limits.urlCharacters;
    const address = isRead ? answers.addressOf(url) : undefined;
    if (address === undefined) return next(request, response);
    const isFree = !tokens().needs('read');
    const reader = isFree ? FREE : readerOf(request, tokens());
    if (reader === undefined) return next(request, response);
    answer(options, { address, request, response, caches: isFree ? 'public' : 'private' }, reader);
  };
}

const FREE: Partial<TokenHolder> = {};

function readerOf({ headers }: HttpRequest, tokens: Tokens): TokenHolder | undefined {
  const token = presentedToken(headers.authorization);
  const holder = token === undefined ? undefined : tokens.holderOf(token);
  return holder?.rights.has('read') === true ? holder : undefined;
}

function answer({ answers, watch }: FrontOptions, exchange: StaticExchange, reader: Partial<TokenHolder>): void {
  const { address, request, response } = exchange;
  watch.begin(request, response, () => ({ label: address.kind, holder: reader.name }));
  if (hasBody(request)) lingerAfter(request, response);
  try {
    answers.send(exchange)?.catch((error: unknown) => answerTrouble(error, request, response));
  } catch (error) {
    answerTrouble(error, request, response);
  }
}
