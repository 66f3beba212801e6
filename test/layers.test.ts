import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A file of an invented project, and what it imports. */
type Import = readonly [file: string, imports: string];

const ALLOWED: readonly Import[] = [
  ['domain/names', './digest.ts'],
  ['planning/decide', '../domain/names.ts'],
  ['platform/files', '../planning/decide.ts'],
  ['platform/command', 'node:child_process'],
  ['platform/http', 'ky'],
  ['sources/source', '../platform/files.ts'],
  ['sources/one', './source.ts'],
  ['sources/bin-manager', './bin-manager-index.ts'],
  ['sources/bin-manager-index', '../domain/names.ts'],
  ['services/service-manager', '../planning/decide.ts'],
  ['installers/installer', '../domain/names.ts'],
  ['installers/preflight', 'node:fs'],
  ['installers/one', './preflight.ts'],
  ['reports/reporter', '../domain/names.ts'],
  ['reports/one', './bin-manager-bodies.ts'],
  ['reports/bin-manager-bodies', '../domain/names.ts'],
  ['probes/probe', '../domain/names.ts'],
  ['probes/one', '../services/service-manager.ts'],
  ['store/records', '../platform/files.ts'],
  ['engine/look', '../sources/source.ts'],
  ['manager/store', '../domain/names.ts'],
  ['manager/upload', '../platform/files.ts'],
  ['cli/demo/scenes', '../../manager/store.ts'],
  ['cli/tick', '../engine/look.ts'],
  ['cli/compose-look', '../sources/one.ts'],
  ['cli/compose-report', '../reports/one.ts'],
  ['cli/compose-desk', '../installers/one.ts'],
  ['cli/compose-services', '../installers/one.ts'],
];

const FORBIDDEN: readonly (readonly [...Import, rule: string])[] = [
  ['domain/up', '../planning/decide.ts', 'domain-imports-only-what-is-below'],
  ['domain/path', 'node:path', 'thinking-is-pure'],
  ['domain/package', 'ky', 'thinking-is-pure'],
  ['planning/up', '../platform/files.ts', 'planning-imports-only-what-is-below'],
  ['planning/files', 'node:fs/promises', 'thinking-is-pure'],
  ['platform/up', '../store/records.ts', 'platform-imports-only-what-is-below'],
  ['sources/store', '../store/records.ts', 'a-role-imports-only-what-is-below'],
  ['sources/sibling', './one.ts', 'only-compose-knows-adapters'],
  ['sources/network', 'node:http', 'only-platform-uses-the-network'],
  ['services/command', 'node:child_process', 'only-platform-starts-processes'],
  ['installers/stranger', '../sources/one.ts', 'a-role-imports-only-what-is-below'],
  ['services/thief', '../sources/bin-manager-index.ts', 'parts-belong-to-their-role'],
  ['probes/thief', '../installers/preflight.ts', 'parts-belong-to-their-role'],
  ['reports/stranger', '../sources/one.ts', 'a-role-imports-only-what-is-below'],
  ['reports/engine', '../engine/look.ts', 'a-role-imports-only-what-is-below'],
  ['reports/network', 'node:https', 'only-platform-uses-the-network'],
  ['reports/files', 'node:fs/promises', 'the-engine-touches-no-files'],
  ['sources/reports-thief', '../reports/bin-manager-bodies.ts', 'parts-belong-to-their-role'],
  ['store/up', '../engine/look.ts', 'store-imports-only-what-is-below'],
  ['store/role', '../sources/source.ts', 'store-imports-only-what-is-below'],
  ['manager/up', '../cli/tick.ts', 'manager-imports-only-what-is-below'],
  ['manager/engine', '../engine/look.ts', 'manager-imports-only-what-is-below'],
  ['manager/state', '../store/records.ts', 'manager-imports-only-what-is-below'],
  ['manager/network', 'node:http', 'only-platform-uses-the-network'],
  ['engine/manager', '../manager/store.ts', 'the-manager-stands-alone'],
  ['platform/manager', '../manager/store.ts', 'the-manager-stands-alone'],
  ['cli/manager', '../manager/store.ts', 'the-manager-stands-alone'],
  ['engine/up', '../cli/tick.ts', 'engine-imports-only-what-is-below'],
  ['engine/reports', '../reports/one.ts', 'only-compose-knows-adapters'],
  ['engine/adapter', '../sources/one.ts', 'only-compose-knows-adapters'],
  ['engine/files', 'node:fs', 'the-engine-touches-no-files'],
  ['cli/adapter', '../sources/one.ts', 'only-compose-knows-adapters'],
  ['cli/itself', './other.ts', 'no-cycles'],
  ['cli/lost', './nowhere.ts', 'no-unresolved'],
  ['cli/outside', '../../test/helper.ts', 'nothing-from-outside-src'],
  ['elsewhere/stray', '../domain/names.ts', 'every-file-has-a-floor'],
];

/** The rules that each file breaks. */
function brokenRules(project: string): ReadonlyMap<string, readonly string[]> {
  const options = ['src', '--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json'];
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/depcruise'), options, {
    cwd: project,
    encoding: 'utf8',
    // It tells of every module, and of all that it imports.
    maxBuffer: 64 << 20,
  });
  const { summary } = JSON.parse(stdout) as {
    summary: { totalCruised: number; violations: { from: string; rule: { name: string } }[] };
  };
  if (summary.totalCruised === 0) throw new Error(`no file was found in ${project}/src`);
  const broken = new Map<string, string[]>();
  for (const { from, rule } of summary.violations) broken.set(from, [...(broken.get(from) ?? []), rule.name]);
  return broken;
}

describe('the floors', () => {
  let project = '';
  let broken: ReadonlyMap<string, readonly string[]> = new Map();

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'bin-proxy-floors-'));
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), text);
    };
    write('src/domain/digest.ts', 'export {};\n');
    write('test/helper.ts', 'export {};\n');
    write('tsconfig.json', '{ "compilerOptions": { "module": "NodeNext" } }\n');
    write('package.json', '{ "type": "module" }\n');
    // A cycle that is closed by a lazy import is one too.
    write('src/cli/other.ts', "await import('./itself.ts');\n");
    for (const [file, imports] of [...ALLOWED, ...FORBIDDEN]) write(`src/${file}.ts`, `import '${imports}';\n`);
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
    broken = brokenRules(project);
  });
  afterAll(() => {
    rmSync(project, { recursive: true });
  });

  it('are kept by every file of src', () => {
    expect([...brokenRules(ROOT)]).toEqual([]);
  });

  it.each(ALLOWED)('let %s.ts import %s', (file) => {
    expect(broken.get(`src/${file}.ts`)).toBeUndefined();
  });

  it.each(FORBIDDEN)('do not let %s.ts import %s: %s', (file, _imports, rule) => {
    expect(broken.get(`src/${file}.ts`)).toContain(rule);
  });
});
