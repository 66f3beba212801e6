import { crypto, os } from './builtins.ts';
import { readText } from './files.ts';

const MACHINE_ID = '/etc/machine-id';
/** Makes an id of this program's own out of the machine's: changed, every host would be a new one to its server. */
const KEY = 'bin-proxy/node-id/1';

/**
 * What this host is called by a release server: stable, and nobody else's. The machine's id itself is confidential and
 * must not be shown on a network, says machine-id(5), but a keyed hash of it may. A host without one goes by its name.
 */
export async function hostId(file = MACHINE_ID): Promise<string> {
  const text = (await readText(file).catch(() => undefined))?.trim() ?? '';
  // "uninitialized" stands there while an image is being made.
  if (!/^[0-9a-f]{32}$/.test(text)) return os().hostname();
  return crypto().createHmac('sha256', KEY).update(text).digest('hex').slice(0, 32);
}

/**
 * A number from 0 to below 1, always the same for one host and one purpose: so a fleet spreads. Two purposes have nothing
 * to do with each other, or the hosts that share a minute would share its seconds too.
 */
export function hostDraw(id: string, purpose: 'splay' | 'keepalive'): number {
  return crypto().createHash('sha256').update(`${purpose} ${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
