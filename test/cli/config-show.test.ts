import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { hostTest } from '../support/host-test.ts';
import { differences } from '../support/json-docs.ts';

describe('bin-proxy config show', () => {
  hostTest('tells each value and where it comes from, and no secret (invariant 14)', async ({ host }) => {
    const config = join(host.directory, 'own');
    writeFileSync(
      config,
      'export BIN_MANAGER_TOKEN="S3cret"\nBIN_DIR=/from/file\nhttps_proxy=http://ada:S3cret@proxy:3128\nBIN_OTHER=1\n' +
        'BIN_PROXY_PING_URL=https://ping.example/S3cret\n',
    );
    const environment = { BIN_PROXY_CONFIG: config, BIN_DIR: '', BIN_MANAGER_TOKEN_FILE: 'S3cret' };

    const text = await host.run(['config', 'show', '--origin', '--stable', '7'], environment);
    const lines = text.stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines).toEqual(
      expect.arrayContaining([
        ['BIN_DIR', '/from/file', `${config}:2:9`],
        ['BIN_PROXY_STABLE_SECONDS', '7', '--stable'],
        ['LOG_FILE', host.logFile, 'LOG_FILE in the environment'],
        ['BIN_PROXY_REPORT', 'auto', 'default'],
        ['BIN_MANAGER_TOKEN', '(set, not shown)', `${config}:1:26`],
        ['BIN_MANAGER_TOKEN_FILE', '(set, not shown)', 'BIN_MANAGER_TOKEN_FILE in the environment'],
        ['https_proxy', 'http://…@proxy:3128', `${config}:3:13`],
        ['BIN_PROXY_PING_URL', '(set, not shown)', `${config}:5:20`],
        ['no_proxy', '-', 'not set'],
        [`warning: ${config}:4:11`, 'BIN_OTHER: unknown setting, ignored'],
      ]),
    );
    expect(text.code).toBe(78);
    expect(text.stderr).toContain('expected the absolute path of a file that holds the token');

    const json = await host.run(['config', 'show', '--json'], { ...environment, BIN_MANAGER_TOKEN_FILE: '' });
    expect(json.code).toBe(0);
    expect(differences(JSON.parse(json.stdout) as { schema: string })).toEqual([]);
    expect([text, json].flatMap(({ stdout, stderr }) => [stdout, stderr]).join('')).not.toContain('S3cret');
  });
});
