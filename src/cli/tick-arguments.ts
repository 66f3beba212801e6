import { parseArgs, type ParseArgsConfig } from 'node:util';
import { FLAGS, type FlagRow, type Invocation, isCommand, SETTING_FLAGS, toInvocation } from './command-line.ts';

/**
 * Understands the command lines that cron and scripts use, without loading yargs: that would double the cost of an idle
 * tick. Everything else (help, a typo, a wrong value) is undefined, and yargs answers. A test holds both to the same
 * meaning.
 */
export function parseTickArguments(argv: readonly string[]): Invocation | undefined {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: options(), allowPositionals: true, strict: true });
    const [first = 'run', ...names] = positionals;
    if (!isCommand(first) || ((first === 'unlock' || first === 'demo') && names.length > 0)) return undefined;
    const switches = new Set<string>();
    const texts: Record<string, string> = {};
    let verbosity = 0;
    for (const row of [...FLAGS, ...SETTING_FLAGS] as readonly FlagRow[]) {
      const value = values[row.flag];
      const given = Array.isArray(value) ? value : [];
      const last = given.at(-1);
      if (row.type === 'boolean' && last === true) switches.add(row.flag);
      if (row.type === 'count') verbosity = given.length;
      if (row.type === 'string' && typeof last === 'string') {
        if (last === '' || row.choices?.includes(last) === false) return undefined;
        texts[row.flag] = last;
      }
    }
    return toInvocation(first, names, { switches, verbosity, texts });
  } catch {
    return undefined;
  }
}

function options(): NonNullable<ParseArgsConfig['options']> {
  const rows = [...FLAGS, ...SETTING_FLAGS] as readonly FlagRow[];
  return Object.fromEntries(
    rows.map((row) => [
      row.flag,
      {
        type: row.type === 'string' ? 'string' : 'boolean',
        multiple: true,
        ...(row.short !== undefined && { short: row.short }),
      },
    ]),
  );
}
