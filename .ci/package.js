#!/usr/bin/env node
// `package.js [FILE]` makes `dist/bin-proxy`, or FILE: bin-proxy and the Node that runs this, in one executable for hosts
// that have no Node. Before it comes `npm run build`. Needs strip(1): a third of a node is names for debuggers, and they must go before anything is put in.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import postject from 'postject';
import { rolldown } from 'rolldown';

/** By this Node finds out that there is something in it (Node's documentation, "Single executable applications"). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = join(root, 'dist', 'bundle');
const result = resolve(process.argv[2] ?? join(root, 'dist', 'bin-proxy'));
const work = mkdtempSync(join(tmpdir(), 'bin-proxy-package-'));
try {
  const blob = await makeBlob();
  const executable = join(work, 'bin-proxy');
  copyFileSync(process.execPath, executable);
  execFileSync('strip', [executable]);
  // It warns on stdout of what strip has left.
  console.warn = () => {};
  await postject.inject(executable, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: FUSE });
  // A host may be running the former one.
  copyFileSync(executable, `${result}.new`);
  renameSync(`${result}.new`, result);
  process.stdout.write(`${result}: ${execFileSync(result, ['--version'], { encoding: 'utf8' })}`);
} finally {
  rmSync(work, { recursive: true });
}

async function makeBlob() {
  const build = await rolldown({ input: join(root, 'bin', 'executable.js'), platform: 'node' });
  const main = join(work, 'main.cjs');
  await build.write({ file: main, format: 'cjs' });
  await build.close();
  const chunks = programChunks();
  const config = {
    main,
    output: join(work, 'blob'),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    // What the host sets for its own programs is none of ours (Node 24.6 and later).
    execArgvExtension: 'none',
    assets: Object.fromEntries([
      ...chunks.map((name) => [name, join(bundle, name)]),
      // What "install" writes (src/cli/shipped-files.ts).
      ...readdirSync(join(root, 'config')).map((name) => [`config/${name}`, join(root, 'config', name)]),
    ]),
  };
  writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  execFileSync(process.execPath, ['--experimental-sea-config', join(work, 'sea.json')], { stdio: 'pipe' });
  return config.output;
}

/** The chunks that bin-proxy may ask for, with the code beside them. */
function programChunks(name = 'bin-proxy.cjs', found = new Set()) {
  if (found.has(name)) return [...found];
  found.add(name);
  for (const [, next] of readFileSync(join(bundle, name), 'utf8').matchAll(/require\("\.\/([^"]+\.cjs)"\)/g)) {
    programChunks(next, found);
  }
  const code = readdirSync(bundle).filter((file) => file === `${name}.v8`);
  for (const file of code) found.add(file);
  return [...found];
}
