// Loaded before the program (NODE_OPTIONS=--require): writes what the program loads into the file that LOADED names, its
// own files and Node's modules, each at its first use.
const fs = require('node:fs');
const Module = require('node:module');

const found = new Set();
const read = fs.readFileSync;
fs.readFileSync = (file, ...rest) => {
  if (/\.cjs$/.test(String(file))) found.add(String(file));
  return read(file, ...rest);
};
const load = Module._load;
Module._load = (name, ...rest) => {
  if (Module.isBuiltin(name)) found.add(`node:${name.replace(/^node:/, '')}`);
  return load(name, ...rest);
};
const builtin = process.getBuiltinModule;
process.getBuiltinModule = (name) => {
  found.add(name);
  return builtin(name);
};
process.on('exit', () => fs.writeFileSync(process.env.LOADED, JSON.stringify([...found])));
