// Modules of Node's own that an idle tick does not need, loaded by the first who does (invariant 12).

/** `node:crypto`. An idle tick takes no digest, and would pay 3 ms for it. */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** `node:os`. */
export function os(): typeof import('node:os') {
  return process.getBuiltinModule('node:os');
}

/** `node:v8`. */
export function v8(): typeof import('node:v8') {
  return process.getBuiltinModule('node:v8');
}

/** `setTimeout` of `node:timers/promises`. */
export function delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  return process.getBuiltinModule('node:timers/promises').setTimeout(ms, undefined, options);
}
