import { readFileSync } from 'node:fs';
import { section, table, unticked } from '../config/markdown.ts';

interface Field {
  readonly type: string;
  readonly optional: 'yes' | 'no';
}

const TEXT = readFileSync(new URL('../../docs/json.md', import.meta.url), 'utf8');

/** The schemas that docs/json.md describes. */
export const DOCUMENTED = [...TEXT.matchAll(/^## (bin-proxy\/\S+)$/gm)].map(([, schema = '']) => schema);

/** What a document has that docs/json.md does not say, or has not and it says; one line each. */
export function differences(document: { readonly schema: string }): readonly string[] {
  const rows = table(section(TEXT, `## ${document.schema}`), 'field').map((row) => row.map(unticked));
  const fields = new Map(
    rows.map(([path = '', type = '']): [string, Field] => [
      path,
      { type: type.replace('?', ''), optional: type.endsWith('?') ? 'yes' : 'no' },
    ]),
  );
  return objectDifferences(document, '', fields);
}

function objectDifferences(value: object, path: string, fields: ReadonlyMap<string, Field>): readonly string[] {
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  const missing = [...fields].flatMap(([field, { optional }]) => {
    const key = path === '' ? field : field.startsWith(`${path}.`) ? field.slice(path.length + 1) : '';
    return key === '' || /[.[]/.test(key) || key in value || optional === 'yes' ? [] : [`${field}: is missing`];
  });
  return [...missing, ...Object.entries(value).flatMap(([key, one]) => valueDifferences(one, at(key), fields))];
}

function valueDifferences(value: unknown, path: string, fields: ReadonlyMap<string, Field>): readonly string[] {
  const type = fields.get(path)?.type;
  if (type === undefined) return [`${path}: is not documented`];
  if (type === 'any') return [];
  const found = Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : typeof value;
  if (found !== type) return [`${path}: expected ${type}, found ${found}`];
  const elements: readonly unknown[] = Array.isArray(value) ? value : [];
  const inner = elements.flatMap((one) =>
    typeof one === 'object' && one !== null ? objectDifferences(one, `${path}[]`, fields) : [],
  );
  return found === 'object' ? objectDifferences(value as object, path, fields) : inner;
}
