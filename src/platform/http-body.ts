import { DeadlineError, within } from './clock.ts';
import { HttpTrouble, transportText } from './http-trouble.ts';
import type { HttpAnswer } from './http-way.ts';

export interface Rate {
  readonly bytes: number;
  readonly ms: number;
}

interface BodyLimits {
  readonly maxBytes: number;
  readonly idleMs: number;
  readonly least?: Rate;
}

/**
 * Reads a body chunk by chunk with limits on silence, on slowness and on size. Throws {@link HttpTrouble}, and what
 * `onChunk` throws.
 */
export async function readBody(
  answer: HttpAnswer,
  limits: BodyLimits,
  onChunk: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const pace = limits.least && new Pace(limits.least);
  let bytes = 0;
  for (;;) {
    pace?.waits();
    const chunks = await nextChunks(answer, limits.idleMs);
    if (chunks.length === 0) return;
    const came = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
    pace?.got(came);
    bytes += came;
    if (bytes > limits.maxBytes)
      throw new HttpTrouble('too-large', `the answer is larger than ${limits.maxBytes} bytes`);
    for (const chunk of chunks) await onChunk(chunk);
  }
}

/** How much came in how much waiting. What the sink takes is not waited for: a slow disk is no slow server. */
class Pace {
  #ms = 0;
  #bytes = 0;
  #since = 0;
  readonly #least: Rate;

  constructor(least: Rate) {
    this.#least = least;
  }

  waits(): void {
    this.#since = performance.now();
  }

  got(bytes: number): void {
    const least = this.#least;
    this.#ms += performance.now() - this.#since;
    this.#bytes += bytes;
    if (this.#ms < least.ms) return;
    const expected = (least.bytes * this.#ms) / least.ms;
    if (this.#bytes < expected) {
      const found = `${this.#bytes} bytes in ${(this.#ms / 1000).toFixed(1)} s`;
      throw new HttpTrouble('stalled', `too slow: ${found}, expected at least ${Math.ceil(expected)}`);
    }
    this.#ms = 0;
    this.#bytes = 0;
  }
}

async function nextChunks(answer: HttpAnswer, idleMs: number): Promise<readonly Uint8Array[]> {
  const silence = `nothing received for ${idleMs / 1000} s`;
  try {
    return await within(idleMs, silence, answer.read());
  } catch (error) {
    if (error instanceof DeadlineError) throw new HttpTrouble('stalled', silence);
    throw new HttpTrouble('unreachable', `the transfer broke off: ${transportText(error)}`);
  }
}
