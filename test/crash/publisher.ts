import type { Host } from '../support/host.ts';
import { md5, program } from '../support/program.ts';
import type { Answer } from '../support/release-server.ts';
import type { Dice } from './dice.ts';

/** `cut`, `impostor`: the server does not deliver what it offers. `page`: it does, and that is no program. */
export type ReleaseKind = 'good' | 'dies-at-once' | 'dies-later' | 'cut' | 'impostor' | 'page';

const BAD = ['dies-at-once', 'dies-later', 'cut', 'impostor', 'page'] as const;
/** One in six, as in a team that publishes in a hurry. */
const BAD_SHARE = 1 / 6;

export interface Published {
  readonly version: string;
  readonly kind: ReleaseKind;
  readonly md5: string;
}

/** Publishes one version after the other, and knows which of them may ever lie at a live path. */
export class Publisher {
  readonly #host: Host;
  readonly #dice: Dice;
  readonly #offers = new Map<string, Published>();
  readonly #whole = new Map<string, Map<string, Published>>();
  #count = 0;

  constructor(host: Host, dice: Dice) {
    this.#host = host;
    this.#dice = dice;
  }

  offered(name: string): Published {
    const offer = this.#offers.get(name);
    if (offer === undefined) throw new Error(`nothing was published for ${name}`);
    return offer;
  }

  /** What a digest at the path of a binary stands for; undefined: it may never lie there. */
  whole(name: string, digest: string): Published | undefined {
    return this.#whole.get(name)?.get(digest);
  }

  publishAny(name: string): Published {
    return this.publish(name, this.#dice.chance(BAD_SHARE) ? this.#dice.oneOf(BAD) : 'good');
  }

  publish(name: string, kind: ReleaseKind): Published {
    this.#count += 1;
    const version = `${name}-${this.#count}-${kind}`;
    const bytes = bytesOf(version, kind);
    const published = { version, kind, md5: md5(bytes) };
    this.#offers.set(name, published);
    if (kind === 'good' || kind === 'dies-at-once' || kind === 'dies-later')
      this.#known(name).set(published.md5, published);
    this.#host.server.publish(name, bytes);
    this.#host.server.answer(`/releases/latest/${name}/download`, deliveryOf(version, kind, bytes));
    return published;
  }

  #known(name: string): Map<string, Published> {
    const known = this.#whole.get(name) ?? new Map<string, Published>();
    this.#whole.set(name, known);
    return known;
  }
}

function bytesOf(version: string, kind: ReleaseKind): Buffer {
  switch (kind) {
    case 'page':
      return Buffer.from(`<!doctype html><title>${version}: 502 Bad Gateway</title>`);
    case 'dies-at-once':
      return program(version, { life: 1 });
    case 'dies-later':
      return program(version, { life: 500 });
    default:
      return program(version);
  }
}

/** undefined: the whole release, as it was offered. */
function deliveryOf(version: string, kind: ReleaseKind, bytes: Buffer): Answer | undefined {
  if (kind === 'impostor') return (_, response) => response.end(program(`${version}-impostor`));
  if (kind !== 'cut') return undefined;
  return (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  };
}
