import { lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/domain/digest.ts';
import { type BinaryName, isBinaryName } from '../../src/domain/names.ts';
import { recordInManifest, withDigest } from '../../src/store/manifest-edit.ts';
import { folder } from './folder.ts';

const MD5: Digest = { algorithm: 'md5', hex: '0123456789abcdef0123456789abcdef' };
const SHA256: Digest = { algorithm: 'sha256', hex: MD5.hex + MD5.hex };

function named(text: string): BinaryName {
  if (!isBinaryName(text)) throw new Error(`not a binary name: ${text}`);
  return text;
}

const APP = named('app');

describe('recording a digest in the text of a manifest', () => {
  it.each([
    [
      'a field that is empty',
      '{"binaries":[{"name":"app","currentMd5":""}]}',
      '{"binaries":[{"name":"app","currentMd5":"#"}]}',
    ],
    [
      'a former digest',
      '{"binaries":[{"currentMd5":"x","name":"app"}]}',
      '{"binaries":[{"currentMd5":"#","name":"app"}]}',
    ],
    ['on one line', '{"binaries":[{"name":"app"}]}\n', '{"binaries":[{"name":"app","currentMd5":"#"}]}\n'],
    [
      'with blanks',
      '{ "binaries": [ { "name": "app" } ] }',
      '{ "binaries": [ { "name": "app", "currentMd5": "#" } ] }',
    ],
    [
      'one entry a line',
      '{\n  "binaries": [\n    { "name": "app", "keep": 3 },\n    { "name": "other" }\n  ]\n}\n',
      '{\n  "binaries": [\n    { "name": "app", "keep": 3, "currentMd5": "#" },\n    { "name": "other" }\n  ]\n}\n',
    ],
    [
      'indented with tabs',
      '{\n\t"binaries": [\n\t\t{\n\t\t\t"name": "app"\n\t\t}\n\t]\n}',
      '{\n\t"binaries": [\n\t\t{\n\t\t\t"name": "app",\n\t\t\t"currentMd5": "#"\n\t\t}\n\t]\n}',
    ],
    [
      'with CR LF',
      '{\r\n    "binaries": [\r\n        {\r\n            "name" : "app"\r\n        }\r\n    ]\r\n}\r\n',
      '{\r\n    "binaries": [\r\n        {\r\n            "name" : "app",\r\n            "currentMd5" : "#"\r\n        }\r\n    ]\r\n}\r\n',
    ],
    [
      'after a byte order mark',
      '\ufeff{"binaries":[{"name":"app"}]}',
      '\ufeff{"binaries":[{"name":"app","currentMd5":"#"}]}',
    ],
    [
      'beside unknown keys of any kind, in their order',
      '{"z":[1,{}],"binaries":[{"zz":{"name":"x","currentMd5":""},"name":"app","a":null}],"a":"\\u00e9"}',
      '{"z":[1,{}],"binaries":[{"zz":{"name":"x","currentMd5":""},"name":"app","a":null,"currentMd5":"#"}],"a":"\\u00e9"}',
    ],
  ])('changes that field and nothing else: %s', (_, before, after) => {
    expect(withDigest(before, APP, MD5)).toBe(after.replace('#', MD5.hex));
  });

  it.each([
    ['the entry is gone', '{"binaries":[{"name":"other"}]}'],
    ['only another case of the name is there', '{"binaries":[{"name":"APP"}]}'],
    ['there are no entries', '{"binaries":{}}'],
    ['the digest stands there already', `{"binaries":[{"name":"app","currentMd5":"${MD5.hex}"}]}`],
    ['the text is no JSON', '<html>'],
    ['the text is empty', ''],
  ])('changes nothing where %s', (_, text) => {
    expect(withDigest(text, APP, MD5)).toBe(text);
  });

  it('empties the field of the other algorithm: it speaks of a file that is gone', () => {
    const md5 = '{"binaries":[{"name":"app","currentMd5":"old","currentSha256":""}]}';
    const sha256 = `{"binaries":[{"name":"app","currentMd5":"","currentSha256":"${SHA256.hex}"}]}`;
    expect(withDigest(md5, APP, SHA256)).toBe(sha256);
    expect(withDigest(sha256, APP, MD5)).toBe(
      `{"binaries":[{"name":"app","currentMd5":"${MD5.hex}","currentSha256":""}]}`,
    );
  });

  it('finds the right entry of several', () => {
    const entries = ['a', 'app', 'b'].map((name) => ({ name, currentMd5: name }));
    const edited = JSON.parse(withDigest(JSON.stringify({ binaries: entries }), APP, MD5)) as unknown;
    expect(edited).toEqual({ binaries: [entries[0], { name: 'app', currentMd5: MD5.hex }, entries[2]] });
  });
});

describe('any manifest', () => {
  const fields = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  const indent = fc.constantFrom<(number | string)[]>(0, 1, 2, 4, '\t');

  it('means what it meant before, but for the one field', () => {
    fc.assert(
      fc.property(fields, fields, fields, indent, (top, one, other, space) => {
        const before = {
          ...top,
          binaries: [
            { ...other, name: 'other' },
            { ...one, name: 'app' },
          ],
        };
        const text = JSON.stringify(before, null, space);
        const after = JSON.parse(withDigest(text, APP, MD5)) as typeof before;
        const stale = one['currentSha256'] === undefined ? {} : { currentSha256: '' };
        const expected = { ...one, name: 'app', ...stale, currentMd5: MD5.hex };
        expect(after).toEqual(JSON.parse(JSON.stringify({ ...before, binaries: [before.binaries[0], expected] })));
        expect(Object.keys(after)).toEqual(Object.keys(before));
      }),
    );
  });

  it('gets the field in one place: the text around it stays byte for byte', () => {
    fc.assert(
      fc.property(fields, indent, (one, space) => {
        fc.pre(one['currentSha256'] === undefined && one['currentMd5'] === undefined);
        const text = JSON.stringify({ binaries: [{ ...one, name: 'app' }] }, null, space);
        const edited = withDigest(text, APP, MD5);
        expect(edited.replace(/,\s*"currentMd5":\s*"[0-9a-f]{32}"/, '')).toBe(text);
        expect(withDigest(edited, APP, MD5)).toBe(edited);
      }),
    );
  });
});

describe('recording in the file', () => {
  const place = folder();

  it('replaces it as a whole, with the mode it had', async () => {
    writeFileSync(place.path('m.json'), '{"binaries":[{"name":"app"}]}', { mode: 0o640 });
    await recordInManifest(place.path('m.json'), APP, `md5:${MD5.hex}`);
    expect(readFileSync(place.path('m.json'), 'utf8')).toBe(`{"binaries":[{"name":"app","currentMd5":"${MD5.hex}"}]}`);
    expect(statSync(place.path('m.json')).mode & 0o777).toBe(0o640);
  });

  it('writes to the file behind a link and leaves the link', async () => {
    writeFileSync(place.path('real.json'), '{"binaries":[{"name":"app"}]}');
    symlinkSync('real.json', place.path('m.json'));
    await recordInManifest(place.path('m.json'), APP, `sha256:${SHA256.hex}`);
    expect(lstatSync(place.path('m.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(place.path('real.json'), 'utf8')).toContain(`"currentSha256":"${SHA256.hex}"`);
  });

  it.each([
    ['nothing changes', `md5:${MD5.hex}`, `{"binaries":[{"name":"app","currentMd5":"${MD5.hex}"}]}`],
    [
      'a release of several files has no single digest',
      `md5:${MD5.hex}+md5:${MD5.hex}`,
      '{"binaries":[{"name":"app"}]}',
    ],
  ])('writes nothing where %s', async (_, proven, text) => {
    writeFileSync(place.path('m.json'), text);
    const before = statSync(place.path('m.json'), { bigint: true });
    await recordInManifest(place.path('m.json'), APP, proven);
    expect(readFileSync(place.path('m.json'), 'utf8')).toBe(text);
    expect(statSync(place.path('m.json'), { bigint: true }).ino).toBe(before.ino);
  });
});
