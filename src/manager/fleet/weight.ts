import { HOST_LIMITS, type Host, type HostBinary } from './host.ts';

/**
 * Bytes of heap beside the texts, measured with hosts that say as little as can be said: maps and lists that a host
 * stands in, and objects with what is made of them for the page.
 */
const HOST_BYTES = 512;
const BINARY_BYTES = 128;
const EVENT_BYTES = 32;
/** One, where all of a text is Latin-1. */
const CHARACTER_BYTES = 2;

/** How much memory a host takes at most: bytes. */
export function weightOf(host: Host): number {
  const events = host.binaries.reduce((sum, one) => sum + one.events.length, 0);
  const objects = HOST_BYTES + host.binaries.length * BINARY_BYTES + events * EVENT_BYTES;
  return objects + lengthOf(host) * CHARACTER_BYTES;
}

/** Drops what is too much of one host: the oldest changes of all its binaries, then its last binaries. */
export function fitted(host: Host): Host {
  if (lengthOf(host) <= HOST_LIMITS.length) return host;
  const room = HOST_LIMITS.length - jsonLength({ ...host, binaries: [] });
  const sizes = host.binaries.map((one) => sizesOf(one));
  let events: number = HOST_LIMITS.events;
  while (events > 0 && lengthWith(sizes, events) > room) events -= 1;
  let binaries = sizes.length;
  while (binaries > 0 && lengthWith(sizes.slice(0, binaries), events) > room) binaries -= 1;
  const kept = host.binaries.slice(0, binaries);
  return { ...host, binaries: kept.map((one) => ({ ...one, events: one.events.slice(0, events) })) };
}

/** The length of its JSON: what it takes in the file of the hosts. */
export function lengthOf(host: Host): number {
  return jsonLength(host);
}

/** Lengths of JSON: of a binary with so many of its events, each with a comma. */
type Sizes = readonly number[];

function sizesOf(binary: HostBinary): Sizes {
  const sizes = [jsonLength({ ...binary, events: [] }) + 1];
  for (const event of binary.events) sizes.push((sizes.at(-1) ?? 0) + jsonLength(event) + 1);
  return sizes;
}

function lengthWith(binaries: readonly Sizes[], events: number): number {
  return binaries.reduce((sum, sizes) => sum + (sizes[Math.min(events, sizes.length - 1)] ?? 0), 0);
}

function jsonLength(value: object): number {
  return JSON.stringify(value).length;
}
