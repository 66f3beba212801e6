/** How this program is started again: by itself where it is one executable, else by node and its script. */
export function ownProgram(): readonly [string, ...string[]] {
  const script = process.argv[1];
  const isExecutable = process.getBuiltinModule('node:sea')?.isSea() === true || script === undefined;
  return isExecutable ? [process.execPath] : [process.execPath, script];
}
