import { errorText } from '../domain/errors.ts';
import type { HealthAnswer, HttpCheck } from '../domain/health.ts';
import { getOnce, type OnceLimits } from '../platform/http-once.ts';
import { printable } from '../platform/http-trouble.ts';
import type { HealthProbe } from './probe.ts';
import { saidLines } from './said.ts';

const MAX_BYTES = 4096;

/** Health by an HTTP status. A redirect is an answer like any other: who follows it asks somebody else. */
export class HttpProbe implements HealthProbe<HttpCheck> {
  readonly #trust: Pick<OnceLimits, 'secureContext'>;

  /** Believes the certificates of a context; where there is none, those that come with Node. */
  constructor(trust: Pick<OnceLimits, 'secureContext'> = {}) {
    this.#trust = trust;
  }

  async ask({ url: text, status: wanted, timeoutMs }: HttpCheck): Promise<HealthAnswer> {
    const url = new URL(text);
    try {
      const { status, text: body } = await getOnce(url, { timeoutMs, maxBytes: MAX_BYTES, ...this.#trust });
      const isGood = wanted === undefined ? status >= 200 && status < 300 : status === wanted;
      const expected = isGood ? '' : `, expected ${wanted ?? '200 to 299'}`;
      const detail = `${printable(url)} answered ${status}${expected}`;
      return { health: isGood ? 'good' : 'bad', detail, said: saidLines(body) };
    } catch (error) {
      return { health: 'bad', detail: `${printable(url)}: ${errorText(error)}`, said: [] };
    }
  }
}
