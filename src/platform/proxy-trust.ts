import { BlockList, isIP } from 'node:net';

const NETWORK = /^(?<address>[0-9A-Fa-f:.]+)(?:\/(?<bits>\d{1,3}))?$/;

/**
 * Whose word is believed about where a request comes from. `X-Forwarded-For` is a header that anybody can send: it means
 * something only where the last one on the way is a proxy of our own that writes it.
 */
export class TrustedProxies {
  readonly #networks = new BlockList();
  #count = 0;

  /** Reads addresses and networks with commas between, as in `127.0.0.1,10.0.0.0/8`; undefined for anything else. */
  static read(text: string): TrustedProxies | undefined {
    const proxies = new TrustedProxies();
    const isRead = text.split(',').every((word) => proxies.#add(word.trim()));
    return isRead ? proxies : undefined;
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#networks.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** Who asks: the last one on the way that is no trusted proxy. */
  clientOf(direct: string, forwarded: string | string[] | undefined): string {
    if (forwarded === undefined || this.#count === 0) return direct;
    let address = direct;
    for (const hop of String(forwarded).split(',').reverse()) {
      const before = hop.trim();
      if (!this.has(address) || isIP(before) === 0) break;
      address = before;
    }
    return address;
  }

  #add(word: string): boolean {
    const { address = '', bits } = NETWORK.exec(word)?.groups ?? {};
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    if (family === 0 || Number(bits ?? most) > most) return false;
    this.#networks.addSubnet(address, Number(bits ?? most), family === 4 ? 'ipv4' : 'ipv6');
    this.#count += 1;
    return true;
  }
}
