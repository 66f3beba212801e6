import { describe, expect, it } from 'vitest';
import { networkOf, plainAddress } from '../../src/platform/address.ts';

describe('an address', () => {
  it('is written as people write it, however a socket names it', () => {
    const asWritten = { '::ffff:1.2.3.4': '1.2.3.4', '::FFFF:10.0.0.1': '10.0.0.1', '1.2.3.4': '1.2.3.4' };
    for (const [address, plain] of Object.entries(asWritten)) expect(plainAddress(address)).toBe(plain);
    for (const other of ['::1', '2001:db8::ffff:1.2.3.4', 'fe80::1%eth0', '']) expect(plainAddress(other)).toBe(other);
  });

  it('counts as the network of whoever has it', () => {
    const networks = [
      ['192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::1', '0:0:0:0::/64'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::', '2001:db8:1:2::/64'],
      ['2001:0db8:0001:0002::ff', '2001:db8:1:2::/64'],
      ['2001:db8::5:6:7:8', '2001:db8:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['', ''],
    ];
    for (const [address = '', network] of networks) expect([address, networkOf(address)]).toEqual([address, network]);
  });
});
