import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withEntry, withoutEntry, writtenEntry } from '../../src/store/manifest-entries.ts';
import { parseManifest } from '../../src/store/manifest-parse.ts';

const fields = { name: 'new', service: ['a', 'b'] };
const names = (text: string) => parseManifest(text, { file: 'm', binDir: '/b' }).entries.map(({ name }) => name);

describe('an entry that is added', () => {
  it.each([
    ['{"binaries": []}', '{"binaries": [{ "name": "new", "service": ["a", "b"] }]}'],
    ['{\n  "binaries": []\n}\n', '{\n  "binaries": [\n    { "name": "new", "service": ["a", "b"] }\n  ]\n}\n'],
    [
      '{"binaries": [{"name": "x"}], "mine": 1}',
      '{"binaries": [{"name": "x"},{"name": "new", "service": ["a", "b"]}], "mine": 1}',
    ],
    [
      '{\r\n\t"binaries": [\r\n\t\t{\r\n\t\t\t"name": "x"\r\n\t\t}\r\n\t]\r\n}',
      '{\r\n\t"binaries": [\r\n\t\t{\r\n\t\t\t"name": "x"\r\n\t\t},\r\n\t\t{\r\n\t\t\t"name": "new",\r\n\t\t\t"service": ["a", "b"]\r\n\t\t}\r\n\t]\r\n}',
    ],
  ])('is written the way its neighbour is: %j', (before, after) => {
    expect(withEntry(before, fields)).toBe(after);
    expect(withoutEntry(after, 'new').replaceAll(/\[\s+\]/g, '[]')).toBe(before);
    expect(writtenEntry(after, 'new')?.fields).toEqual(fields);
  });
});

describe('adding and removing', () => {
  /** Manifests as people write them: any blanks, unknown keys, entries on one line or on many. */
  const manifests = fc
    .tuple(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 5 }),
      fc.constantFrom(0, 2, '\t'),
      fc.constantFrom('\n', '\r\n'),
    )
    .map(([binaries, indent, eol]) => ({
      binaries,
      text: JSON.stringify(
        { site: [1, { deep: {} }], binaries: binaries.map((name) => ({ name, 'x-team': [name] })) },
        null,
        indent,
      ).replaceAll('\n', eol),
    }));

  it('leave every other entry, and every unknown key, as they are', () => {
    fc.assert(
      fc.property(manifests, fc.nat(), ({ binaries, text }, pick) => {
        const added = withEntry(text, { name: 'added-1' });
        expect(names(added)).toEqual([...binaries, 'added-1']);
        const victim = [...binaries, 'added-1'][pick % (binaries.length + 1)] ?? '';
        const left = withoutEntry(added, victim);
        expect(names(left)).toEqual([...binaries, 'added-1'].filter((name) => name !== victim));
        for (const name of binaries.filter((one) => one !== victim)) {
          expect(writtenEntry(left, name)?.fields).toEqual({ name, 'x-team': [name] });
        }
        expect(left).toContain('deep');
        if (binaries.length > 0) expect(withoutEntry(added, 'added-1')).toBe(text);
      }),
    );
  });
});
