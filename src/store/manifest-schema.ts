import { z } from 'zod';
import { BINARY_NAME, SERVICE_NAME, VERSION_NAME } from '../domain/names.ts';
import { readWindow } from '../planning/window-text.ts';

const HOLD = 'must be true, false, or text that says why';
const KEEP = 'must be a whole number from 1, the file to go back to, to 100';

/**
 * What a human may write in `bin-manifests.json`. The types, the messages and the JSON Schema in `manifests/` all come
 * from here. Unknown keys are kept.
 */
const service = z
  .string('must be a program name, a list of them, or false')
  .regex(SERVICE_NAME, 'must be "program", "group:program" or "group:*", and not "all"');

/** Two spellings of one path would be two files to everything that compares them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const ABSOLUTE_PATH = /^(\/(?!\.{1,2}(\/|$))[^/\u0000-\u001f\u007f]+)+$/;

const WINDOW = 'must be such as "Mon-Fri 02:00-05:00"';

const openTimes = z.string(WINDOW).superRefine((text, context) => {
  const read = readWindow(text);
  if (read.kind === 'unread') context.addIssue({ code: 'custom', message: `${WINDOW}: ${read.problem}` });
});
const window = z.union([openTimes, z.array(openTimes).min(1, WINDOW), z.literal(false)], {
  error: `${WINDOW}, a list of them, or false`,
});

const HEALTH = 'must be {"http": {"url": "http://127.0.0.1:8080/health"}} or {"command": ["program", "argument"]}';
const SECONDS = 'must be a number of seconds from 0.1 to 60';
const timeout = z.number(SECONDS).min(0.1, SECONDS).max(60, SECONDS).optional();
const STATUS = 'must be a status from 100 to 599';
const words = z
  .array(
    z.string('must be text').regex(/^[^\0]*$/, 'must be text without NUL'),
    'must be a list: a program and its arguments',
  )
  .min(1, 'must name a program');

const health = z
  .strictObject(
    {
      http: z
        .strictObject(
          {
            url: z
              .string('must be text')
              .refine(isPlainUrl, 'must be an http or https address without a user and a password'),
            status: z.int(STATUS).min(100, STATUS).max(599, STATUS).optional(),
            timeout,
          },
          { error: HEALTH },
        )
        .optional(),
      command: words.optional(),
      timeout,
    },
    { error: HEALTH },
  )
  .refine(({ http, command }) => (http === undefined) !== (command === undefined), HEALTH)
  .refine(({ http, timeout: own }) => http === undefined || own === undefined, 'must have its timeout within "http"');

const NO_SERVICE = 'must not be there without a service: nothing runs that could be asked ("check" is for a file)';

const entry = z.looseObject(
  {
    name: z
      .string('must be text')
      .regex(BINARY_NAME, 'must be up to 128 letters, digits, ".", "_" and "-", the first a letter, a digit or "_"')
      .describe('Name of the binary at the release server, and of its file and service unless they are given.'),
    version: z
      .string('must be text, such as "latest" or "1.4.2"')
      .regex(VERSION_NAME, 'must be one word, such as "latest" or "1.4.2"')
      .default('latest')
      .describe('Which release to follow.'),
    currentMd5: z
      .string('must be text')
      .optional()
      .describe('Written by bin-proxy: what was last proven. Not an input.'),
    currentSha256: z.string('must be text').optional().describe('The same, where the server offers sha256.'),
    service: z
      .union([service, z.array(service).min(1, 'must name at least one service'), z.literal(false)], {
        error: 'must be "program", "group:program" or "group:*" (not "all"), a list of them, or false',
      })
      .optional()
      .describe('What to restart after a change. Default: the name. false: nothing.'),
    path: z
      .string('must be text')
      .regex(ABSOLUTE_PATH, 'must be an absolute path without "." or ".." parts, double "/" or control characters')
      .optional()
      .describe('The installed file. Default: BIN_DIR/name.'),
    mode: z
      .string('must be text such as "0755"')
      .regex(/^0?[0-7]{3,4}$/, 'must be octal digits such as "0755"')
      .optional()
      .describe('Permission bits. Default: those of the file being replaced, else 0755.'),
    owner: z
      .string('must be text such as "app:app"')
      .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?$/, 'must be "user" or "user:group"')
      .optional()
      .describe('Default: the owner of the file being replaced.'),
    hold: z
      .union([z.boolean(), z.string().min(1, HOLD)], { error: HOLD })
      .optional()
      .describe('Leave this binary alone.'),
    dependsOn: z
      .array(z.string('must be text'), 'must be a list of names of other binaries')
      .optional()
      .describe('Binaries that are updated before this one.'),
    window: window
      .optional()
      .describe("When it may be changed, by the host's clock. Default: that of the whole file. false: at any time."),
    health: health.optional().describe('What is asked of the program once it runs, an address or a command.'),
    check: z
      .array(
        z.string('must be text').regex(/^[^\0]*$/, 'must be text without NUL'),
        'must be a list: a program and its arguments',
      )
      .min(1, 'must name a program')
      .refine((words) => words.some((word) => word.includes('{file}')), 'must contain "{file}", the staged file')
      .optional()
      .describe('A program and its arguments, run before the file goes live; {file} stands for the staged file.'),
    keep: z.int(KEEP).min(1, KEEP).max(100, KEEP).default(3).describe('Backups to keep.'),
  },
  'must be an entry such as {"name": "manager", "version": "latest"}',
);

const withSense = entry.refine(({ service, health: asked }) => service !== false || asked === undefined, {
  error: NO_SERVICE,
  path: ['health'],
});

export const manifestSchema = z.looseObject(
  {
    $schema: z.string('must be text').optional(),
    window: window.optional().describe('When binaries may be changed that name no window of their own.'),
    binaries: z.array(withSense, 'must be a list of entries such as {"name": "manager", "version": "latest"}'),
  },
  'must be an object such as {"binaries": [...]}',
);

function isPlainUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

export type WrittenEntry = z.infer<typeof entry>;

export const KNOWN_KEYS: ReadonlySet<string> = new Set(Object.keys(manifestSchema.shape));
export const KNOWN_ENTRY_KEYS: ReadonlySet<string> = new Set(Object.keys(entry.shape));

/** Fields of an entry that are text and nothing else. */
export const TEXT_FIELDS: ReadonlySet<string> = new Set(
  Object.entries(entryProperties()).flatMap(([field, { type }]) => (type === 'string' ? [field] : [])),
);

/** What the JSON Schema says of each field of an entry. */
export function entryProperties(): Readonly<Record<string, FieldSchema>> {
  const { properties } = z.toJSONSchema(entry, { io: 'input' });
  return properties as unknown as Readonly<Record<string, FieldSchema>>;
}

interface FieldSchema {
  readonly description: string;
  readonly type?: string;
  readonly default?: unknown;
}

/** The JSON Schema (draft 2020-12) that editors use. */
export function manifestJsonSchema(): unknown {
  const schema = z.toJSONSchema(manifestSchema, { io: 'input' });
  return { ...schema, title: 'bin-manifests.json', description: 'What a host runs, for bin-proxy.' };
}
