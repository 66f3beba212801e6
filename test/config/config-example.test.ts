import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Assignment, parseConfig } from '../../src/cli/config-file.ts';
import { loadSettings } from '../../src/cli/settings.ts';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { folderTest, shipped, shippedPath } from './shipped.ts';

const text = shipped('config/config.example');
/** As an operator would have it who uses every line. */
const everyLine = text.replaceAll(/^#(export )/gm, '$1');

function valuesOf(assignments: readonly Assignment[]): Record<string, string> {
  return Object.fromEntries(assignments.map(({ variable, value }) => [variable, value]));
}

/** What a program started after `. file` finds in its environment. */
function sourced(file: string): Record<string, string> {
  const output = execFileSync('sh', ['-c', '. "$1" && env -0', 'sh', file], { env: {}, encoding: 'utf8' });
  const known = new Set<string>(SETTINGS.map(({ variable }) => variable));
  const pairs = output.split('\0').map((pair) => {
    const equals = pair.indexOf('=');
    return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
  });
  return Object.fromEntries(pairs.filter(([variable]) => known.has(variable)));
}

describe('the config example', () => {
  it('gives a shell that sources it and the program that reads it the same values', () => {
    const { assignments, problems } = parseConfig(text);
    expect(problems).toEqual([]);
    expect(valuesOf(assignments)).toEqual(sourced(shippedPath('config/config.example')));
    expect(Object.keys(valuesOf(assignments))).toEqual(['BIN_MANAGER_API', 'BIN_DIR', 'BIN_MANIFESTS', 'LOG_FILE']);
  });

  folderTest('does so too with every line in use', ({ folder }) => {
    const { assignments, problems } = parseConfig(everyLine);
    expect(problems).toEqual([]);
    expect(valuesOf(assignments)).toEqual(sourced(folder.write('config', everyLine)));
  });

  it('shows every setting, each at its default', () => {
    const values = valuesOf(parseConfig(everyLine).assignments);
    expect(Object.keys(values).sort()).toEqual(SETTINGS.map(({ variable }) => variable as string).sort());
    for (const { variable, fallback } of SETTINGS) {
      if (fallback !== undefined) expect([variable, values[variable]]).toEqual([variable, fallback]);
    }
  });

  it('is accepted as it is, without a warning', async () => {
    const bare = await loadSettings({ flags: { config: shippedPath('config/config.example') }, environment: {} });
    expect(bare.warnings).toEqual([]);
    expect(bare.settings).toMatchObject({ binDir: '/usr/local/bin', stableSeconds: 10, splaySeconds: 0 });
    expect(bare.settings.api.href).toBe('http://localhost:8080/api/v1');
  });
});
