import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { loadSettings } from '../../src/cli/settings.ts';
import type { SettingSources } from '../../src/cli/settings-lookup.ts';
import type { RunError } from '../../src/domain/errors.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { folder } from '../store/folder.ts';

/**
 * A folder with a config file in it. `config` writes that file and says where it is; `load` reads settings with it;
 * `problemsWith` gives what is wrong with them, line by line.
 */
export function settingsPlace() {
  const place = folder();

  function config(...lines: readonly string[]): string {
    const file = place.path('config');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return file;
  }

  async function load(sources: Partial<SettingSources>, ...lines: readonly string[]): Promise<Settings> {
    const flags = { config: config(...lines), ...sources.flags };
    return (await loadSettings({ flags, environment: sources.environment ?? {} })).settings;
  }

  async function problemsWith(
    sources: Partial<SettingSources>,
    ...lines: readonly string[]
  ): Promise<readonly string[]> {
    try {
      await load(sources, ...lines);
    } catch (error) {
      expect(error).toMatchObject({ name: 'RunError', code: 'settings-invalid' });
      const [first, ...rest] = (error as RunError).message.split('\n');
      expect(first).toBe(`the settings have ${rest.length === 1 ? '1 problem' : `${rest.length} problems`}`);
      return rest.map((line) => line.trim().replace(`${place.path('config')}:`, 'config:'));
    }
    throw new Error('expected a problem');
  }

  return { place, config, load, problemsWith };
}
