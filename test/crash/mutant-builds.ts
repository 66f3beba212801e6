import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { runProgram } from '../support/host.ts';
import type { Mutant } from './mutants.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SRC = join(ROOT, 'src');
/** A mutant that hangs its tests is caught too, but by then something else is wrong. */
const LIMIT_SECONDS = 15 * 60;

/** Builds of the program in folders of their own, each with one change; the working copy is only read. */
export class MutantBuilds {
  readonly #directory = mkdtempSync(join(tmpdir(), 'bin-proxy-mutants-'));
  readonly #options: ts.CompilerOptions;
  readonly #files: readonly string[];
  readonly #emitted = new Map<string, string>();
  #program: ts.Program | undefined;

  constructor() {
    const { config } = ts.readConfigFile(join(SRC, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const parsed = ts.parseJsonConfigFileContent(config, ts.sys, SRC);
    // What a mutant leaves unused is no mistake.
    this.#options = { ...parsed.options, noUnusedLocals: false, noUnusedParameters: false };
    this.#files = parsed.fileNames;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The program with no change; returns its path. */
  control(): string {
    if (this.#emitted.size === 0) {
      this.#compile(new Map()).emit(undefined, (path, text) => this.#emitted.set(path, text));
    }
    return this.#lay('control', this.#emitted);
  }

  /** The program with the change; returns its path. Throws where the mutant has rotted: no longer found, or no longer compiled. */
  mutant(mutant: Mutant): string {
    const { name, file } = mutant;
    const path = join(SRC, file);
    this.control();
    const program = this.#compile(new Map([[path, changed(mutant)]]));
    const source = program.getSourceFile(path);
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (problems.length > 0) {
      const told = problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
      throw new Error(`${name}: does not compile: ${told.join('; ')}`);
    }
    const emitted = new Map(this.#emitted);
    program.emit(source, (output, js) => emitted.set(output, js));
    return this.#lay(name.replaceAll(/\W+/g, '-'), emitted);
  }

  /** What does not change is compiled once. */
  #compile(changed: ReadonlyMap<string, string>): ts.Program {
    const host = ts.createCompilerHost(this.#options);
    const before = this.#program;
    const read = host.getSourceFile.bind(host);
    host.getSourceFile = (path, options, ...rest) => {
      const text = changed.get(path);
      if (text !== undefined) return ts.createSourceFile(path, text, options, true);
      // Of a package that is there twice the compiler makes one, and takes the other from nobody else.
      const own = path.startsWith(SRC) ? before?.getSourceFile(path) : undefined;
      return own ?? read(path, options, ...rest);
    };
    const program = ts.createProgram({
      rootNames: this.#files,
      options: this.#options,
      host,
      ...(before !== undefined && { oldProgram: before }),
    });
    // A mutant's own files must not be found by the next one.
    if (changed.size === 0) this.#program = program;
    return program;
  }

  #lay(name: string, emitted: ReadonlyMap<string, string>): string {
    const place = join(this.#directory, name);
    mkdirSync(join(place, 'bin'), { recursive: true });
    for (const entry of ['bin', 'package.json']) cpSync(join(ROOT, entry), join(place, entry), { recursive: true });
    rmSync(join(place, 'node_modules'), { force: true });
    symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
    for (const [output, js] of emitted) {
      const file = join(place, output.slice(ROOT.length));
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, js);
    }
    const rolldown = join(ROOT, 'node_modules', 'rolldown', 'bin', 'cli.mjs');
    execFileSync(process.execPath, [rolldown, '-c', join(ROOT, 'rolldown.config.js')], { cwd: place, stdio: 'pipe' });
    return join(place, 'bin', 'bin-proxy.js');
  }
}

/** The file with the change. Throws where the mutant has rotted. */
function changed({ name, file, from, to }: Mutant): string {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${name}: expected its text once in src/${file}, found it ${found} times`);
  return text.replace(from, () => to);
}

/** Why a mutant can no longer be made, found out without a build: its types are looked at when it is built. */
export function rottenness(mutant: Mutant): string | undefined {
  try {
    const { diagnostics = [] } = ts.transpileModule(changed(mutant), { reportDiagnostics: true });
    const [problem] = diagnostics;
    if (problem === undefined) return undefined;
    return `${mutant.name}: is no TypeScript: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
  } catch (error) {
    return String(error);
  }
}

export interface Verdict {
  readonly passed: boolean;
  readonly output: string;
}

/** Runs tests of one file, chosen by a piece of their titles, against a build. */
export async function runTests(program: string, file: string, title: string): Promise<Verdict> {
  const pattern = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const ours = Object.entries(process.env).filter(
    ([key]) => !/^(VITEST|MUTANTS|SWEEP|SEED|NODE_ENV|TEST$|CI$)/.test(key),
  );
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const ran = await runProgram(
    'timeout',
    [String(LIMIT_SECONDS), process.execPath, vitest, 'run', '--root', ROOT, file, '-t', pattern],
    {
      ...Object.fromEntries(ours.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
      BIN_PROXY_TEST_PROGRAM: program,
    },
  );
  const output = `${ran.stdout}\n${ran.stderr}`;
  if (ran.code === null || ran.code === 124) throw new Error(`${file} -t ${title}: did not end\n${output}`);
  return { passed: ran.code === 0, output };
}
