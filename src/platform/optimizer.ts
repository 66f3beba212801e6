import { v8 } from './builtins.ts';

/** Up to here nothing is called so often that V8 takes it for worth optimizing. */
const FEW = 256;

/**
 * Whether all of many items hold, as `Array.prototype.every`. A thousand small checks make V8 load its optimizing compiler,
 * 4 MiB of memory and more time than it saves, so it has to do without meanwhile (invariant 12).
 */
export function everyOf<T>(items: Iterable<T>, holds: (item: T) => boolean): boolean {
  let checked = 0;
  try {
    for (const item of items) {
      if (checked++ === FEW) v8().setFlagsFromString('--no-opt');
      if (!holds(item)) return false;
    }
    return true;
  } finally {
    if (checked > FEW) v8().setFlagsFromString('--opt');
  }
}
