import { describe, expect, it } from 'vitest';
import { TrustedProxies } from '../../src/platform/proxy-trust.ts';

const clientOf = (proxies: string, direct: string, forwarded?: string) =>
  TrustedProxies.read(proxies)?.clientOf(direct, forwarded);

describe('where a request comes from', () => {
  it('is the other end of the connection, whatever it says, unless that is a trusted proxy', () => {
    expect(new TrustedProxies().clientOf('127.0.0.1', '203.0.113.9')).toBe('127.0.0.1');
    expect(clientOf('127.0.0.1', '192.0.2.1', '203.0.113.9')).toBe('192.0.2.1');
    expect(clientOf('127.0.0.1', '127.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(clientOf('127.0.0.1', '127.0.0.1')).toBe('127.0.0.1');
  });

  it('is what the last trusted proxy has seen: what stands before it the client has made up', () => {
    const proxies = '127.0.0.1, 10.0.0.0/8, fd00::/8';
    expect(clientOf(proxies, '127.0.0.1', '6.6.6.6, 203.0.113.9')).toBe('203.0.113.9');
    expect(clientOf(proxies, '127.0.0.1', '6.6.6.6,203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
    expect(clientOf(proxies, 'fd00::1', '2001:db8::1')).toBe('2001:db8::1');
    // A socket for both families writes addresses of version 4 so.
    expect(clientOf(proxies, '::ffff:127.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    for (const nonsense of ['unknown', '', '"\n', '203.0.113.9:80']) {
      expect(clientOf(proxies, '127.0.0.1', nonsense)).toBe('127.0.0.1');
    }
  });

  it('is told by addresses and networks, and by nothing else', () => {
    for (const text of ['', 'localhost', '127.0.0.1;', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '1.2.3.4,,']) {
      expect([text, TrustedProxies.read(text)]).toEqual([text, undefined]);
    }
  });
});
