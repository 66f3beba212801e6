import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import { parseManifest } from '../../src/store/manifest-parse.ts';

const PLACE = { file: '/etc/bin-proxy/bin-manifests.json', binDir: '/usr/local/bin' };

function entryOf(fields: Readonly<Record<string, unknown>>): ManifestEntry | undefined {
  return parseManifest(JSON.stringify({ binaries: [fields] }), PLACE).entries[0];
}

describe('a manifest as documented', () => {
  it('gives every entry its defaults', () => {
    const text = '{"binaries":[{"name":"manager","version":"latest","currentMd5":""}]}';
    expect(parseManifest(text, PLACE)).toEqual({
      file: PLACE.file,
      entries: [{ name: 'manager', version: 'latest', path: '/usr/local/bin/manager', services: ['manager'], keep: 3 }],
      warnings: [],
    });
  });

  it('may name nothing at all', () => {
    expect(parseManifest('{"binaries": []}', PLACE).entries).toEqual([]);
  });

  it('keeps the order of the entries', () => {
    const names = ['zebra', 'app', 'mule'];
    const text = JSON.stringify({ binaries: names.map((name) => ({ name })) });
    expect(parseManifest(text, PLACE).entries.map(({ name }) => name)).toEqual(names);
  });

  it('may begin with a byte order mark and use CR LF', () => {
    const text = '\ufeff{\r\n  "binaries": [\r\n    { "name": "manager" }\r\n  ]\r\n}\r\n';
    expect(parseManifest(text, PLACE).entries.map(({ name }) => name)).toEqual(['manager']);
  });

  it.each([
    ['/usr/local/bin', '/usr/local/bin/manager'],
    ['/usr/local/bin/', '/usr/local/bin/manager'],
    ['/usr/local/bin///', '/usr/local/bin/manager'],
    ['/', '/manager'],
  ])('puts a binary into BIN_DIR, %s', (binDir, path) => {
    const { entries } = parseManifest('{"binaries":[{"name":"manager"}]}', { ...PLACE, binDir });
    expect(entries[0]?.path).toBe(path);
  });
});

describe('the fields of an entry', () => {
  it.each<[Record<string, unknown>, Partial<ManifestEntry>]>([
    [{ version: '1.4.2' }, { version: '1.4.2' } as Partial<ManifestEntry>],
    [{ path: '/opt/app/bin/app' }, { path: '/opt/app/bin/app' }],
    [{ path: '/opt/.hidden/..app' }, { path: '/opt/.hidden/..app' }],
    [{ path: '/opt/my app/äpp' }, { path: '/opt/my app/äpp' }],
    [{ service: 'web:*' }, { services: ['web:*'] } as unknown as Partial<ManifestEntry>],
    [{ service: ['a', 'web:b'] }, { services: ['a', 'web:b'] } as unknown as Partial<ManifestEntry>],
    [{ service: ['a', 'b', 'a'] }, { services: ['a', 'b'] } as unknown as Partial<ManifestEntry>],
    [{ service: false }, { services: [] }],
    [{ mode: '0755' }, { mode: 0o755 }],
    [{ mode: '755' }, { mode: 0o755 }],
    [{ mode: '4750' }, { mode: 0o4750 }],
    [{ mode: '0400' }, { mode: 0o400 }],
    [{ owner: 'app' }, { owner: 'app' }],
    [{ owner: 'app:staff' }, { owner: 'app:staff' }],
    [{ owner: '1000:1000' }, { owner: '1000:1000' }],
    [{ hold: true }, { hold: 'held in the manifest' }],
    [{ hold: 'until Friday' }, { hold: 'until Friday' }],
    [{ check: ['{file}', '--version'] }, { check: ['{file}', '--version'] }],
    [{ check: ['/usr/bin/env', 'A={file}', ''] }, { check: ['/usr/bin/env', 'A={file}', ''] }],
    [{ keep: 1 }, { keep: 1 }],
    [{ keep: 100 }, { keep: 100 }],
  ])('%j', (written, meant) => {
    expect(entryOf({ name: 'app', ...written })).toEqual({ ...entryOf({ name: 'app' }), ...meant });
  });

  it('are absent where nothing is held', () => {
    expect(entryOf({ name: 'app', hold: false })).toEqual(entryOf({ name: 'app' }));
  });

  it('keep what an operator notes there, and warn with its place', () => {
    const text =
      '{\n  "$schema": "x",\n  "owner": "Ana",\n  "binaries": [\n    { "name": "app", "colour": "red",\n      "__proto__": {"hold": true} }\n  ]\n}';
    const { entries, warnings } = parseManifest(text, PLACE);
    expect(warnings).toEqual([
      '/etc/bin-proxy/bin-manifests.json:3:3  owner: unknown key, kept as it is',
      '/etc/bin-proxy/bin-manifests.json:5:22  binaries[0].colour: unknown key, kept as it is',
      '/etc/bin-proxy/bin-manifests.json:6:7  binaries[0].__proto__: unknown key, kept as it is',
    ]);
    expect(entries).toEqual([entryOf({ name: 'app' })]);
  });

  it('have the window of the file where they name none of their own', () => {
    const binaries = [
      { name: 'a' },
      { name: 'b', window: ['Fri 22:00-04:00', '12:00-13:00'] },
      { name: 'c', window: false },
    ];
    const { entries } = parseManifest(JSON.stringify({ window: 'Mon 02:00-05:00', binaries }), PLACE);
    expect(entries.map(({ window }) => window?.text)).toEqual([
      'Mon 02:00-05:00',
      'Fri 22:00-04:00, 12:00-13:00',
      undefined,
    ]);
    expect(entries[1]?.window?.spans).toHaveLength(2);
  });

  it('say what was recorded, which is never an input: currentMd5 and currentSha256 change nothing', () => {
    const recorded = { currentMd5: 'anything at all', currentSha256: 'd41d8cd98f00b204e9800998ecf8427e' };
    expect(entryOf({ name: 'app', ...recorded })).toEqual(entryOf({ name: 'app' }));
  });
});

describe('any path', () => {
  const parts = fc.array(fc.constantFrom('/', '.', '..', 'a', ' ', '\n', '\0', '\u007f', '\t', '-'), { maxLength: 10 });

  it('that is taken is absolute, has one spelling and fits on one line (invariant 10)', () => {
    fc.assert(
      fc.property(parts, (list) => {
        const path = list.join('');
        let taken: string | undefined;
        try {
          taken = entryOf({ name: 'app', path })?.path;
        } catch {
          return;
        }
        expect(taken).toBe(path);
        expect(new URL(`file://${path.replaceAll(' ', '%20')}`).pathname).toBe(path.replaceAll(' ', '%20'));
        expect(path).toMatch(/^\/[^\n\t\0]*[^/]$/);
        expect(path).not.toContain('//');
      }),
      { numRuns: 2_000 },
    );
  });
});
