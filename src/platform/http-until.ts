import type { Asked, HttpAnswer, HttpWay, Posted } from './http-way.ts';

/** Another way, for as long as a signal lets it: what it has left open then goes. */
export class WayUntil implements HttpWay {
  readonly #way: HttpWay;
  readonly #end: AbortSignal;

  constructor(way: HttpWay, end: AbortSignal) {
    this.#way = way;
    this.#end = end;
  }

  get(url: URL, asked: Asked): Promise<HttpAnswer> {
    return this.#way.get(url, this.#until(asked));
  }

  post(url: URL, posted: Posted): Promise<HttpAnswer> {
    return this.#way.post(url, this.#until(posted));
  }

  #until<T extends Asked>(asked: T): T {
    return { ...asked, signal: AbortSignal.any([asked.signal, this.#end]) };
  }
}
