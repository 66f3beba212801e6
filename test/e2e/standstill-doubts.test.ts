import { describe, expect } from 'vitest';
import { atRest, INDEX, tick, v2 } from '../support/at-rest.ts';
import { hostTest } from '../support/host-test.ts';
import { sha256 } from '../support/program.ts';

describe.concurrent('a host that was at a standstill', () => {
  hostTest(
    'asks one question a tick while a release waits, and not for the whole index (invariant 12)',
    async ({ host }) => {
      await atRest(host);
      expect((await host.run(['hold', 'app'])).code).toBe(0);
      host.server.publish('app', v2);
      expect((await tick(host)).code).toBe(0);
      host.server.requests.splice(0);
      host.server.headers.splice(0);
      for (let round = 0; round < 2; round++) expect((await tick(host)).code).toBe(0);
      expect(host.server.requests).toEqual([INDEX, INDEX]);
      const etag = `"${sha256(Buffer.from(JSON.stringify(host.server.index()))).slice(0, 16)}"`;
      expect(host.server.headers.map((one) => one['if-none-match'])).toEqual([etag, etag]);
    },
  );

  hostTest('does not ask every minute for an index that is gone', async ({ host }) => {
    await atRest(host);
    host.server.offersNoIndex();
    expect((await tick(host)).code).toBe(0);
    host.server.requests.splice(0);
    expect((await tick(host)).code).toBe(0);
    expect(host.server.requests).not.toContain(INDEX);
  });
});
