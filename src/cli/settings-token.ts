import { isAbsolute } from 'node:path';
import { errorText } from '../domain/errors.ts';
import { readText } from '../platform/files.ts';
import { type Found, RANKS } from './settings-found.ts';
import type { SettingKey } from './settings-table.ts';

/** The token itself stands in no message (invariant 14). The nearer of the two ways to give it wins. */
export async function readToken(
  found: ReadonlyMap<SettingKey, Found>,
  problems: string[],
): Promise<string | undefined> {
  const direct = found.get('token');
  const file = found.get('tokenFile');
  const named = file !== undefined && (direct === undefined || RANKS[file.rank] < RANKS[direct.rank]);
  const given = named ? await tokenIn(file, problems) : direct;
  if (given === undefined) return undefined;
  const trimmed = given.value.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    problems.push(`${given.from}: expected one word of printable ASCII as the token`);
  return trimmed;
}

async function tokenIn({ value: file, from, rank }: Found, problems: string[]): Promise<Found | undefined> {
  if (!isAbsolute(file)) {
    // Somebody may have written the token itself here.
    problems.push(`${from}: expected the absolute path of a file that holds the token`);
    return undefined;
  }
  const place = `${from}: ${file}`;
  try {
    const value = await readText(file);
    if (value !== undefined) return { value, from: place, rank };
    problems.push(`${place}: there is no such file`);
  } catch (error) {
    problems.push(`${place}: cannot be read: ${errorText(error)}`);
  }
  return undefined;
}
