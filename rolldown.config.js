import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { defineConfig } from 'rolldown';

/**
 * The programs as they are shipped, made of the modules that the compiler has written. What `main` imports statically is
 * what an idle tick is made of, and becomes one chunk, `look` (invariant 12); everything else is loaded when it is
 * imported. The format is CommonJS: with modules, Node 22 and later load all of undici for `node:http`
 * (nodejs/node#57649). Names of chunks hold a digest, so that the code beside one is never that of another text.
 */
export default defineConfig({
  input: { 'bin-proxy': 'dist/cli/main.js', 'bin-manager': 'dist/manager/main.js' },
  platform: 'node',
  // jsonc-parser's CommonJS hides what it requires.
  resolve: { mainFields: ['module', 'main'] },
  // yargs asks for it only where a program names a folder of commands.
  transform: { define: { 'import.meta.resolve': 'undefined' } },
  output: {
    dir: 'dist/bundle',
    format: 'cjs',
    comments: false,
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    codeSplitting: { groups: [{ name: ofIdleTick, debugName: 'look' }] },
  },
  plugins: [
    {
      name: 'as-loaded',
      generateBundle(_, chunks) {
        const idle = chunkWith('cli/main', chunks);
        chunks[idle].code = withPlainExports(chunks[idle].code);
        for (const chunk of Object.values(chunks)) chunk.code = wrapped(oneByte(withoutIdleRequires(chunk.code)));
      },
      writeBundle: ({ dir }, chunks) => {
        for (const name of hurried(chunks)) writeCode(join(dir, name));
      },
    },
  ],
});

function ofIdleTick(id, modules) {
  return importedBy(resolve('dist/cli/main.js'), modules).has(id) ? 'look' : null;
}

function importedBy(entry, modules, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const id of modules.getModuleInfo(entry)?.importedIds ?? []) importedBy(id, modules, found);
  return found;
}

/** What somebody waits for: each minute of every host, and a release on its way. The rest is compiled when it is loaded. */
function hurried(chunks) {
  const found = new Set();
  for (const entry of ['cli/main', 'cli/act-begin', 'cli/act-tick', 'platform/http-download']) {
    chunksOf(chunkWith(entry, chunks), chunks, found);
  }
  return found;
}

function chunkWith(entry, chunks) {
  const module = resolve(`dist/${entry}.js`);
  const name = Object.keys(chunks).find((one) => chunks[one].moduleIds?.includes(module));
  if (name === undefined) throw new Error(`no chunk has ${module}`);
  return name;
}

/** A chunk, and those that it imports statically; Node's own modules are none. */
function chunksOf(name, chunks, found) {
  if (found.has(name) || chunks[name] === undefined) return;
  found.add(name);
  for (const next of chunks[name].imports) chunksOf(next, chunks, found);
}

/**
 * What an idle tick exports to chunks that it does not load: a getter for each would be a function for each. None of it
 * changes after the chunk has run, for nothing in it is put off until it is used.
 */
function withPlainExports(text) {
  if (text.includes('__esmMin(')) throw new Error('the chunk of the idle tick has modules that are put off');
  const getter =
    /^Object\.defineProperty\(exports, "(\w+)", \{\s+enumerable: true,\s+get: function\(\) \{\s+return (\w+);\s+\}\s+\}\);$/gm;
  return text.replaceAll(getter, 'exports.$1 = $2;');
}

/** rolldown's own helpers do nothing by being loaded. */
function withoutIdleRequires(text) {
  return text.replaceAll(/^require\("\.\/rolldown-runtime-[^"]+"\);\n/gm, '');
}

/** V8 keeps a text in twice the memory for the sake of one "…". */
function oneByte(text) {
  return text.replaceAll(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As a function, which bin/load.js calls: so a text is read and compiled as it stands in its file. */
function wrapped(text) {
  return `(function (exports, require, module, __filename) {\n${text}\n})`;
}

/** Compiles every function now. What V8 makes of a text depends on its flags, so they are as ever when it is written. */
function writeCode(file) {
  setFlagsFromString('--no-lazy');
  const script = new Script(readFileSync(file, 'utf8'), { filename: file });
  setFlagsFromString('--lazy');
  writeFileSync(`${file}.v8`, script.createCachedData());
}
