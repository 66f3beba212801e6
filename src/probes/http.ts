import type { SecureContext } from 'node:tls';
import { errorText } from '../domain/errors.ts';
import type { HealthAnswer, HttpCheck } from '../domain/health.ts';
import { getOnce } from '../platform/http-once.ts';
import { printable } from '../platform/http-trouble.ts';
import type { HealthProbe } from './probe.ts';
import { saidLines } from './said.ts';

const MAX_BYTES = 4096;

/** Health by an HTTP status. A redirect is an answer like any other: who follows it asks somebody else. */
export class HttpProbe implements HealthProbe<HttpCheck> {
  readonly #secureContext: SecureContext | undefined;

  /** Believes the certificates of this context; where there is none, those that come with Node. */
  constructor(secureContext?: SecureContext) {
    this.#secureContext = secureContext;
  }

  async ask({ url: text, status: wanted, timeoutMs }: HttpCheck): Promise<HealthAnswer> {
    const url = new URL(text);
    const trust = this.#secureContext === undefined ? {} : { secureContext: this.#secureContext };
    try {
      const { status, text: body } = await getOnce(url, { timeoutMs, maxBytes: MAX_BYTES, ...trust });
      const isGood = wanted === undefined ? status >= 200 && status < 300 : status === wanted;
      const expected = isGood ? '' : `, expected ${wanted ?? '200 to 299'}`;
      const detail = `${printable(url)} answered ${status}${expected}`;
      return { health: isGood ? 'good' : 'bad', detail, said: saidLines(body) };
    } catch (error) {
      return { health: 'bad', detail: `${printable(url)}: ${errorText(error)}`, said: [] };
    }
  }
}
