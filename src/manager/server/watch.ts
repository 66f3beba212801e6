import { plainAddress } from '../../platform/address.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http-server.ts';
import type { TrustedProxies } from '../../platform/proxy-trust.ts';
import type { AccessLog } from './access-log.ts';
import { pathOf } from './addresses.ts';
import type { Counters } from './counters.ts';

/** nginx's word for a client that went before it had its answer. */
const CLIENT_GONE = 499;

/** What is known of a request when it has been answered. */
export interface About {
  /** What it was about, in the metrics. */
  readonly label: string;
  /** Whose token it was. */
  readonly holder: string | undefined;
}

/** Counts requests and writes them to the access log, once their answers have left or their clients have gone. */
export class Watch {
  readonly #counters: Counters;
  readonly #log: AccessLog;
  readonly #proxies: TrustedProxies;

  constructor(counters: Counters, log: AccessLog, proxies: TrustedProxies) {
    this.#counters = counters;
    this.#log = log;
    this.#proxies = proxies;
  }

  /** To be called when a request begins. */
  begin(request: HttpRequest, response: HttpResponse, about: () => About): void {
    const begun = performance.now();
    const { socket } = request;
    const before = socket.bytesWritten;
    // Afterwards a client that has gone has no address.
    const direct = socket.remoteAddress ?? '';
    const address = plainAddress(this.#proxies.clientOf(direct, request.headers['x-forwarded-for']));
    response.on('close', () => {
      const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
      const ms = Math.round((performance.now() - begun) * 1000) / 1000;
      const told = { status, bytes: socket.bytesWritten - before, ms };
      const { label, holder } = about();
      this.#counters.request(label, told);
      this.#log.add({
        address,
        method: request.method ?? '',
        path: pathOf(request.url ?? ''),
        ...told,
        holder,
        agent: request.headers['user-agent'],
      });
    });
  }
}
