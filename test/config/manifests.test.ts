import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/store/manifest-parse.ts';
import { KNOWN_ENTRY_KEYS, manifestJsonSchema } from '../../src/store/manifest-schema.ts';
import { shipped, shippedPath } from './shipped.ts';

const SCHEMA = 'manifests/bin-manifests.schema.json';

/** `UPDATE=1 npx vitest run test/config/manifests.test.ts` writes the schema anew. */
function writeSchema(): void {
  writeFileSync(shippedPath(SCHEMA), JSON.stringify(manifestJsonSchema()));
  execFileSync(shippedPath('node_modules/.bin/biome'), ['format', '--write', shippedPath(SCHEMA)]);
}

describe('the JSON Schema of the manifest', () => {
  it('is the one that the program checks with', () => {
    if (process.env['UPDATE'] === '1') writeSchema();
    expect(JSON.parse(shipped(SCHEMA))).toEqual(manifestJsonSchema());
  });
});

describe.each(['manifests/bin-manifests.example.json', 'manifests/bin-manifests.full.example.json'])('%s', (path) => {
  it('is taken without a warning', () => {
    expect(parseManifest(shipped(path), { file: path, binDir: '/usr/local/bin' }).warnings).toEqual([]);
  });
});

describe('the full example', () => {
  it('shows every field that a person may write', () => {
    const { binaries } = JSON.parse(shipped('manifests/bin-manifests.full.example.json')) as { binaries: object[] };
    const shown = new Set(binaries.flatMap((entry) => Object.keys(entry)));
    const writtenByUs = new Set(['currentSha256']);
    expect([...shown].sort()).toEqual([...KNOWN_ENTRY_KEYS].filter((key) => !writtenByUs.has(key)).sort());
  });

  it('means what its fields say', () => {
    const path = 'manifests/bin-manifests.full.example.json';
    const { entries } = parseManifest(shipped(path), { file: path, binDir: '/usr/local/bin' });
    const window = {
      text: 'Mon-Fri 02:00-05:00, Sat,Sun 00:00-24:00',
      spans: [
        { days: [1, 2, 3, 4, 5], from: 120, to: 300 },
        { days: [0, 6], from: 0, to: 1440 },
      ],
    };
    expect(entries).toEqual([
      {
        name: 'manager',
        version: 'latest',
        path: '/usr/local/bin/manager',
        services: ['manager'],
        window,
        health: { kind: 'http', url: 'http://127.0.0.1:8080/health', status: 204, timeoutMs: 2_000 },
        check: ['{file}', '--version'],
        keep: 3,
      },
      {
        name: 'worker',
        version: '1.4.2',
        path: '/opt/worker/bin/worker',
        services: ['workers:*'],
        dependsOn: ['manager'],
        health: { kind: 'command', command: ['/opt/worker/bin/ping', '--all'], timeoutMs: 5_000 },
        window,
        owner: 'root:root',
        mode: 0o755,
        keep: 5,
      },
      {
        name: 'gateway',
        version: 'latest',
        path: '/usr/local/bin/gateway',
        services: ['gateway-a', 'gateway-b'],
        hold: 'wait for the certificate change, ask Ana',
        window: {
          text: 'Sun 22:00-04:00, Wed 03:30-04:00',
          spans: [
            { days: [0], from: 1320, to: 240 },
            { days: [3], from: 210, to: 240 },
          ],
        },
        keep: 3,
      },
      { name: 'backup-tool', version: 'latest', path: '/usr/local/bin/backup-tool', services: [], keep: 3 },
    ]);
  });
});
