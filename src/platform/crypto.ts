/** `node:crypto`, loaded by the first who needs it. An idle tick takes no digest, and would pay 3 ms for it. */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
