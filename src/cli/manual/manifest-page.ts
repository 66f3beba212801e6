import { VERSION } from '../../domain/version.ts';
import { entryProperties } from '../../store/manifest-schema.ts';
import { MANUAL_DATE } from './program-page.ts';
import { bold, example, item, plain, section } from './roff.ts';

const EXAMPLE = [
  '{',
  '  "binaries": [',
  '    { "name": "manager", "version": "latest" },',
  '    { "name": "worker", "version": "1.4.2", "service": "workers:*", "path": "/opt/worker/bin/worker" },',
  '    { "name": "backup-tool", "service": false, "hold": "until the move on Friday" }',
  '  ]',
  '}',
];

/** bin-manifests(5), of the schema that manifests are checked with. */
export function manifestPage(): string {
  return `${[
    `.TH BIN\\-MANIFESTS 5 "${MANUAL_DATE}" "bin-proxy ${VERSION}" "File Formats Manual"`,
    section('NAME', 'bin\\-manifests \\- what a host should run, for bin\\-proxy'),
    section(
      'DESCRIPTION',
      plain(
        'bin-manifests.json is JSON: an object with a list under "binaries", an entry for each. The name is all that',
      ),
      plain(
        'an entry needs. Mistakes are told all at once, as file:line:col, and then nothing is changed. Unknown keys',
      ),
      plain('are warned about and kept.'),
      '.PP',
      '.BR bin\\-proxy (8)',
      plain('writes what it has proven into an entry, and nothing else, and keeps the formatting. Every line can be'),
      plain('changed with an editor, or with'),
      `${bold('bin-proxy manifest add')} and ${bold('bin-proxy manifest remove')}.`,
    ),
    section(
      'FIELDS',
      ...Object.entries(entryProperties()).map(([field, schema]) => {
        const without = schema.default === undefined ? '' : ` Default: ${JSON.stringify(schema.default)}.`;
        return item(bold(field), plain(`${schema.description}${without}`));
      }),
    ),
    section('EXAMPLES', example(...EXAMPLE)),
    section('SEE ALSO', '.BR bin\\-proxy (8)'),
  ].join('\n')}\n`;
}
