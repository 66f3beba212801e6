import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { atRest, INDEX, tick, v1, v2 } from '../support/at-rest.ts';
import { hostTest } from '../support/host-test.ts';
import { sha256 } from '../support/program.ts';
import { untilSettled } from '../support/settled.ts';

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

  hostTest('takes no look at one manifest for a look at another', async ({ host }) => {
    const link = join(host.directory, 'link');
    const leadsTo = (name: string) => {
      rmSync(link, { force: true });
      symlinkSync(join(host.directory, name), link);
    };
    const written = (name: string, ...entries: readonly Record<string, unknown>[]) => {
      host.manages(...entries);
      renameSync(host.manifest, join(host.directory, name));
    };
    const app = { name: 'app', service: false };
    const tool = { name: 'tool', service: false };
    written('one', app, tool);
    written('other', tool);
    leadsTo('one');
    host.server.offersIndex();
    for (const name of ['app', 'tool']) {
      host.install(name, v1);
      host.server.publish(name, v1);
    }
    await untilSettled();
    const linked = { BIN_MANIFESTS: link };
    expect(await tick(host, linked)).toEqual({ code: 0, stdout: '', stderr: '' });

    // A release of app comes, and while the host asks for it, its manifest is another one for a moment.
    host.server.publish('app', v2);
    host.server.answer('/index.json', (_, response) => {
      leadsTo('other');
      response.setHeader('etag', '"new"');
      response.end(JSON.stringify(host.server.index()));
    });
    expect(await tick(host, linked)).toEqual({ code: 0, stdout: '', stderr: '' });
    leadsTo('one');
    host.server.answer('/index.json', (request, response) => {
      response.setHeader('etag', '"new"');
      if (request.headers['if-none-match'] === '"new"') response.writeHead(304).end();
      else response.end(JSON.stringify(host.server.index()));
    });
    expect((await tick(host, linked)).stdout).toMatch(/^app .*updated/);
    expect(host.installed('app')).toEqual(v2);
  });
});
