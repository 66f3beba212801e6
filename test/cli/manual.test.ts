import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMAND_ROWS } from '../../src/cli/command-table.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { FLAGS, type FlagRow, SETTING_FLAGS } from '../../src/cli/flag-table.ts';
import { parseFullArguments } from '../../src/cli/full-arguments.ts';
import { manifestPage } from '../../src/cli/manual/manifest-page.ts';
import { programPage } from '../../src/cli/manual/program-page.ts';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { entryProperties } from '../../src/store/manifest-schema.ts';
import { section, table, unticked } from '../config/markdown.ts';
import { folderTest, shipped } from '../config/shipped.ts';
import { has } from '../support/components.ts';

const PAGES = [
  ['bin-proxy.8', programPage()],
  ['bin-manifests.5', manifestPage()],
] as const;
const [commands, manifest] = [`\n${shipped('docs/commands.md')}`, shipped('docs/manifest.md')];

/** What a reader sees, on one line. */
function rendered(file: string): string {
  const { stdout } = spawnSync('mandoc', ['-Tutf8', '-O', 'width=500', file], { encoding: 'utf8' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: overstriking is how it makes bold and underlined letters
  return stdout.replaceAll(/.\u0008/g, '').replaceAll(/\s+/g, ' ');
}

describe.skipIf(!has('man', 'mandoc'))('the manual', () => {
  folderTest('is good man(7) to groff and to mandoc', ({ folder }) => {
    for (const [name, text] of PAGES) {
      const file = folder.write(name, text);
      expect(text).toMatch(/^[\n -~]*$/);
      const lint = spawnSync('mandoc', ['-Tlint', '-Wwarning', file], { encoding: 'utf8' });
      expect([lint.stdout, lint.status]).toEqual(['', 0]);
      const env = { ...process.env, LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' };
      const man = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', file], {
        encoding: 'utf8',
        env,
      });
      expect([man.stderr, man.status]).toEqual(['', 0]);
    }
  });

  folderTest('says what help and docs say', async ({ folder }) => {
    const [page, fields] = PAGES.map(([name, text]) => rendered(folder.write(name, text)));
    const parsed = await parseFullArguments(['--help']);
    const help = parsed.kind === 'text' ? parsed.text.replaceAll(/\s+/g, ' ') : '';
    const unbroken = (text: string) => text.replaceAll('…', '...');
    for (const [name, { words, meaning }] of COMMAND_ROWS) {
      expect(page).toContain(`${name} ${words}`.trimEnd());
      for (const text of [page, help]) expect(text).toContain(unbroken(meaning));
    }
    for (const { flag, meaning } of [...(FLAGS as readonly FlagRow[]), ...SETTING_FLAGS]) {
      for (const text of [page, help]) {
        expect(text).toContain(`--${flag}`);
        expect(text).toContain(meaning);
      }
    }
    for (const { variable } of SETTINGS) expect(page).toContain(variable);
    const codes = table(section(commands, '## Exit codes'), 'code');
    expect(codes).toHaveLength(EXIT_CODES.length);
    for (const [code, meaning] of codes) expect(page).toContain(`${code} ${meaning}`);
    for (const [field, , meaning] of table(manifest, 'field').map((row) => row.map(unticked))) {
      expect(fields).toContain(`${field} ${meaning}`);
    }
    expect(Object.keys(entryProperties()).length).toBeGreaterThan(8);
  });

  it('says of every default what it is', () => {
    expect(manifestPage()).toContain('Default: 3.');
    for (const { fallback } of SETTINGS)
      if (fallback !== undefined) expect(programPage().replaceAll('\\-', '-')).toContain(`[${fallback}]`);
  });
});
