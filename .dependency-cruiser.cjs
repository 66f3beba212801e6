/**
 * The floors. A file imports its own floor or below, never above; a role's interface file is what others may know of
 * it; the adapters behind it are known to the compose files alone. Whatever is not named here is not allowed, so a
 * new folder begins with a line in this file. test/layers.test.ts shows that every rule bites.
 */
const ROLES = {
  sources: 'source',
  installers: 'installer',
  services: 'service-manager',
  probes: 'probe',
  reports: 'reporter',
};
/** What an adapter was split into. Every other file of a role is its interface or an adapter. */
const PARTS = [
  'installers/kept',
  'installers/kept-files',
  'installers/preflight',
  'installers/receive',
  'installers/workshop',
  'installers/workshop-places',
  'probes/said',
  'reports/bin-manager-bodies',
  'sources/bin-manager-each',
  'sources/bin-manager-index',
  'sources/bin-manager-memory',
  'sources/bin-manager-question',
  'sources/bin-manager-trouble',
  'services/supervisor-server',
  'services/supervisor-view',
  'services/supervisor-words',
];
/** The only files that know concrete adapters. */
const COMPOSE = '^src/cli/compose-(look|act|desk|services|report)\\.ts$';

const roles = Object.keys(ROLES).join('|');
const interfaces = Object.entries(ROLES)
  .map(([folder, file]) => `${folder}/${file}`)
  .join('|');
const notAdapters = `^src/(${interfaces}|${PARTS.join('|')})\\.ts$`;

/** Our own files that a floor may import; packages and node's own modules have rules of their own. */
const own = (...folders) => `^src/(${folders.join('|')})/`;
const interfaceFiles = `^src/(${interfaces})\\.ts$`;

const floor = (name, allowed) => ({
  name: `${name}-imports-only-what-is-below`,
  severity: 'error',
  from: { path: own(name) },
  to: { path: '^src/', pathNot: allowed },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'every-file-has-a-floor',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: own('domain', 'planning', 'platform', roles, 'store', 'engine', 'manager', 'cli'),
      },
      to: {},
    },
    {
      name: 'nothing-from-outside-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['local'], pathNot: '^src/' },
    },
    floor('domain', [own('domain')]),
    floor('planning', [own('domain', 'planning')]),
    floor('platform', [own('domain', 'planning', 'platform')]),
    floor('store', [own('domain', 'planning', 'platform', 'store')]),
    floor('manager', [own('domain', 'planning', 'platform', 'manager')]),
    floor('engine', [own('domain', 'planning', 'platform', 'store', 'engine'), interfaceFiles]),
    {
      name: 'a-role-imports-only-what-is-below',
      comment: 'Of other roles an adapter knows the interface, and of its own the interface and its parts.',
      severity: 'error',
      from: { path: `^src/(${roles})/` },
      to: { path: '^src/', pathNot: [own('domain', 'planning', 'platform'), interfaceFiles, '^src/$1/'] },
    },
    {
      name: 'the-manager-stands-alone',
      comment: 'The release side is a program of its own; the demo alone plays both.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(manager|cli/demo)/' },
      to: { path: own('manager') },
    },
    {
      name: 'only-compose-knows-adapters',
      comment: 'Everybody else is given what they need through the interface of the role.',
      severity: 'error',
      from: { path: '^src/', pathNot: COMPOSE },
      to: { path: `^src/(${roles})/`, pathNot: notAdapters },
    },
    {
      name: 'parts-belong-to-their-role',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: `^src/(${PARTS.join('|')})\\.ts$`, pathNot: '^src/$1/' },
    },
    {
      name: 'thinking-is-pure',
      comment: 'domain and planning are data and functions of it (invariant 13).',
      severity: 'error',
      from: { path: own('domain', 'planning') },
      to: { pathNot: '^src/' },
    },
    {
      name: 'only-platform-starts-processes',
      comment: 'One place runs programs, so one place keeps invariant 9. The demo plays a whole host.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform|cli/demo)/' },
      to: { dependencyTypes: ['core'], path: '^(node:)?child_process$' },
    },
    {
      name: 'only-platform-uses-the-network',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform|cli/demo)/' },
      to: { path: '^(node:)?(http|https|http2|net|tls|dgram|dns(/promises)?)$|(^|/)node_modules/(ky|undici)/' },
    },
    {
      name: 'the-engine-touches-no-files',
      comment: 'It goes through the roles, the store and the platform.',
      severity: 'error',
      from: { path: own('engine', 'sources', 'services', 'reports') },
      to: { dependencyTypes: ['core'], path: '^(node:)?fs(/promises)?$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
