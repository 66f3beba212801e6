import { isIPv6 } from 'node:net';

/** How a socket that listens on IPv6 names somebody who comes by IPv4 (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** An address as people write it: `1.2.3.4`, not `::ffff:1.2.3.4`. */
export function plainAddress(address: string): string {
  return address.replace(MAPPED, '');
}

/**
 * What one party has at the least, for whoever counts by address: an IPv4 address, or 64 bits of an IPv6 one (RFC 6177
 * section 2), within which he may take another address for every request.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('%', 1)[0]?.split('::') ?? [];
  const groups = (text = '') => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: GROUPS - first.length - last.length }, () => '0');
  const all = tail === undefined ? first : [...first, ...zeros, ...last];
  const network = all.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
