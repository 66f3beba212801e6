import { BlockList, isIP } from 'node:net';
import type { Proxies } from '../domain/settings.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const LOOPBACK = blockList('127.0.0.0/8', '::1/128');

/**
 * The proxy through which an address is asked, or undefined for straight there. This host itself is never asked through
 * one: to a proxy "localhost" is another machine.
 */
export function proxyFor(url: URL, { http, https, none }: Proxies): URL | undefined {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === undefined) return undefined;
  const host = hostOf(url.hostname);
  const port = url.port || DEFAULT_PORTS[url.protocol];
  if (isLoopback(host)) return undefined;
  return none.some((entry) => isMeant(entry, host, port)) ? undefined : proxy;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || holds(LOOPBACK, host);
}

/**
 * One word of `no_proxy`, as curl has them: `*`, a host, a domain with everything below it (a dot before it changes
 * nothing), an IP address or a network such as `10.0.0.0/8`. Each but the first may end in a `:port`, as Go has it.
 */
function isMeant(entry: string, host: string, port: string | undefined): boolean {
  if (entry === '*') return true;
  if (isIP(host) !== 0 && holds(blockList(entry), host)) return true;
  const [, bracketed, plain = '', itsPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (itsPort !== undefined && itsPort !== port) return false;
  const name = bracketed ?? hostOf(plain.replace(/^\*?\./, ''));
  if (name === '') return false;
  return name === host || holds(blockList(name), host) || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

/** A name has one spelling here: no brackets, no dot at its end, lower case. */
function hostOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function holds(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** Addresses and networks; a word that is neither adds nothing. */
function blockList(...words: readonly string[]): BlockList {
  const list = new BlockList();
  for (const word of words) {
    const [address = '', bits] = word.split('/', 2);
    const version = isIP(address);
    if (version === 0) continue;
    const widest = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (prefix <= widest) list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
