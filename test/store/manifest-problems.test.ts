import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/domain/errors.ts';
import { parseManifest } from '../../src/store/manifest-parse.ts';

const PLACE = { file: 'm.json', binDir: '/usr/local/bin' };

function troubleWith(text: string): RunError {
  try {
    parseManifest(text, PLACE);
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
  throw new Error(`expected a problem in ${text}`);
}

/** The problems without the first line, which counts them. */
function problems(text: string): readonly string[] {
  const [, ...lines] = troubleWith(text).message.split('\n');
  return lines.map((line) => line.replace(/^ {2}m\.json:/, ''));
}

/** The problems of one entry, from its fields. */
function problemsOf(fields: string): readonly string[] {
  return problems(`{"binaries":[{${fields}}]}`).map((line) => line.replace(/^1:\d+ {2}binaries\[0\]\.?/, ''));
}

describe('a manifest with mistakes', () => {
  it('tells them all at once, in the order of the file, with place, expectation and what stands there', () => {
    const text = `{
  "binaries": [
    { "name": "manager", "version": 2, "currentMd5": null },
    { "name": "../../etc/cron.d/x", "service": "all", "path": "/usr/local/../bin/x" },
    { "name": "api", "mode": 755, "owner": "root:", "hold": "", "keep": 0, "keep": 3 },
    { "version": "latest", "service": [], "check": ["true"], "keep": 1e400 },
    "manager",
    { "name": "worker", "service": ["web:*", "a b"], "check": "true", "mode": "0999" },
    { "name": "api", "colour": "red" },
    { "name": "other", "path": "/usr/local/bin/worker" }
  ]
}`;
    const error = troubleWith(text);
    expect(error.code).toBe('manifest-invalid');
    expect(error.hint).toBe('The fields are described in manifests/bin-manifests.schema.json; nothing was changed.');
    expect(error.message.split('\n')).toEqual([
      'm.json has 19 problems',
      '  m.json:3:37  binaries[0].version: must be text, such as "latest" or "1.4.2" (is 2)',
      '  m.json:3:54  binaries[0].currentMd5: must be text (is null)',
      '  m.json:4:15  binaries[1].name: must be up to 128 letters, digits, ".", "_" and "-", the first a letter, a digit or "_" (is "../../etc/cron.d/x")',
      '  m.json:4:48  binaries[1].service: must be "program", "group:program" or "group:*", and not "all" (is "all")',
      '  m.json:4:63  binaries[1].path: must be an absolute path without "." or ".." parts, double "/" or control characters (is "/usr/local/../bin/x")',
      '  m.json:5:30  binaries[2].mode: must be text such as "0755" (is 755)',
      '  m.json:5:44  binaries[2].owner: must be "user" or "user:group" (is "root:")',
      '  m.json:5:61  binaries[2].hold: must be true, false, or text that says why (is "")',
      '  m.json:5:76  the key "keep" stands here for the second time',
      '  m.json:6:5  binaries[3].name: must be text (is missing)',
      '  m.json:6:39  binaries[3].service: must name at least one service (is [])',
      '  m.json:6:52  binaries[3].check: must contain "{file}", the staged file (is ["true"])',
      '  m.json:6:70  binaries[3].keep: must be a whole number from 1, the file to go back to, to 100 (is 1e400)',
      '  m.json:7:5  binaries[4]: must be an entry such as {"name": "manager", "version": "latest"} (is "manager")',
      '  m.json:8:46  binaries[5].service[1]: must be "program", "group:program" or "group:*", and not "all" (is "a b")',
      '  m.json:8:63  binaries[5].check: must be a list: a program and its arguments (is "true")',
      '  m.json:8:79  binaries[5].mode: must be octal digits such as "0755" (is "0999")',
      '  m.json:9:15  binaries[6].name: must be its own (is the name of binaries[2])',
      '  m.json:10:32  binaries[7].path: must be its own (is the path of binaries[5], "/usr/local/bin/worker")',
    ]);
  });

  it.each([
    ['', '1:1  the file is empty, expected {"binaries": [...]}'],
    [' \n\t\n', '1:1  the file is empty, expected {"binaries": [...]}'],
    ['[]', '1:1  the manifest: must be an object such as {"binaries": [...]} (is [])'],
    ['null', '1:1  the manifest: must be an object such as {"binaries": [...]} (is null)'],
    ['"x"', '1:1  the manifest: must be an object such as {"binaries": [...]} (is "x")'],
    ['{}', '1:1  binaries: must be a list of entries such as {"name": "manager", "version": "latest"} (is missing)'],
    [
      '{"binaries": 7}',
      '1:14  binaries: must be a list of entries such as {"name": "manager", "version": "latest"} (is 7)',
    ],
    [
      '{"binaries": [null]}',
      '1:15  binaries[0]: must be an entry such as {"name": "manager", "version": "latest"} (is null)',
    ],
    ['<!DOCTYPE html>\n<p>\n', '1:1  not valid JSON: invalid symbol, found "<!DOCTYPE html>"'],
    ['{', '1:2  not valid JSON: close brace expected'],
    ['{"binaries": [{"name": "a",}]}', '1:28  not valid JSON: property name expected, found "}]}"'],
    ['{"binaries": [] // none\n}', '1:17  not valid JSON: invalid comment token, found "// none"'],
    ['{"binaries": []} {}', '1:18  not valid JSON: end of file expected, found "{}"'],
    ['\u0000', '1:1  not valid JSON: invalid symbol, found "\\u0000"'],
  ])('says where and what: %j', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each([
    [
      '"window": "always"',
      'window: must be such as "Mon-Fri 02:00-05:00": found "always" where a day (Mon, Mon-Fri) is expected (is "always")',
    ],
    [
      '"window": ["02:00-03:00", "Mon"]',
      'window[1]: must be such as "Mon-Fri 02:00-05:00": the last days have no times (is "Mon")',
    ],
    ['"window": 7', 'window: must be such as "Mon-Fri 02:00-05:00", a list of them, or false (is 7)'],
    ['"window": true', 'window: must be such as "Mon-Fri 02:00-05:00", a list of them, or false (is true)'],
    ['"window": []', 'window: must be such as "Mon-Fri 02:00-05:00" (is [])'],
  ])('says of an entry what is wrong: %s', (field, problem) => {
    expect(problemsOf(`"name":"app",${field}`)).toEqual([problem]);
  });

  it.each([
    [
      '{"name":"a","dependsOn":["b","workr"]},{"name":"b"},{"name":"worker"}',
      ['1:43  binaries[0].dependsOn[1]: must name a binary of this manifest (is "workr"; did you mean "worker"?)'],
    ],
    ['{"name":"a","dependsOn":["a"]}', ['1:39  binaries[0].dependsOn[0]: must not lead back (is a -> a)']],
    [
      '{"name":"a","dependsOn":["x","b"]},{"name":"x"},{"name":"b","dependsOn":["c"]},{"name":"c","dependsOn":["a"]}',
      ['1:43  binaries[0].dependsOn[1]: must not lead back (is a -> b -> c -> a)'],
    ],
    [
      '{"name":"a","dependsOn":"b"},{"name":"b"}',
      ['1:38  binaries[0].dependsOn: must be a list of names of other binaries (is "b")'],
    ],
    ['{"name":"a","dependsOn":[7]}', ['1:39  binaries[0].dependsOn[0]: must be text (is 7)']],
  ])('says what is wrong with an order: %s', (entries, expected) => {
    expect(problems(`{"binaries":[${entries}]}`)).toEqual(expected);
  });

  const HEALTH = 'must be {"http": {"url": "http://127.0.0.1:8080/health"}} or {"command": ["program", "argument"]}';
  const SECONDS = 'must be a number of seconds from 0.1 to 60';
  it.each([
    ['"health": "http://h/"', `health: ${HEALTH} (is "http://h/")`],
    ['"health": {}', `health: ${HEALTH} (is {})`],
    [
      '"health": {"http":{"url":"http://h/"},"command":["x"]}',
      `health: ${HEALTH} (is {"http":{"url":"http://h/"},"command":["x"]})`,
    ],
    ['"health": {"tcp": 80}', `health: ${HEALTH} (is {"tcp": 80})`],
    [
      '"health": {"http": {"url": "http://ana:pw@h/"}}',
      'health.http.url: must be an http or https address without a user and a password (is "http://ana:pw@h/")',
    ],
    [
      '"health": {"http": {"url": "/health"}}',
      'health.http.url: must be an http or https address without a user and a password (is "/health")',
    ],
    [
      '"health": {"http": {"url": "http://h/", "status": 99}}',
      'health.http.status: must be a status from 100 to 599 (is 99)',
    ],
    ['"health": {"http": {"url": "http://h/", "timeout": 0}}', `health.http.timeout: ${SECONDS} (is 0)`],
    [
      '"health": {"http": {"url": "http://h/"}, "timeout": 3}',
      'health: must have its timeout within "http" (is {"http": {"url": "http://h/"}, "timeout": 3})',
    ],
    ['"health": {"command": []}', 'health.command: must name a program (is [])'],
    ['"health": {"command": "true"}', 'health.command: must be a list: a program and its arguments (is "true")'],
    [
      '"service": false, "health": {"command": ["true"]}',
      'health: must not be there without a service: nothing runs that could be asked ("check" is for a file) (is {"command": ["true"]})',
    ],
  ])('says of an entry what is wrong with its health: %s', (field, problem) => {
    expect(problemsOf(`"name":"app",${field}`)).toEqual([problem]);
  });

  it('takes an order without a circle, whatever the order of the file', () => {
    const text =
      '{"binaries":[{"name":"a","dependsOn":["b","c"]},{"name":"b","dependsOn":["c"]},{"name":"c","dependsOn":[]}]}';
    expect(parseManifest(text, PLACE).entries.map(({ dependsOn }) => dependsOn)).toEqual([['b', 'c'], ['c'], []]);
  });

  it('names one mistake of syntax for each line', () => {
    const text = '{"binaries": [\n  {"name": "a" "version": "1"},\n  {"name": "b",}\n]}';
    expect(problems(text)).toEqual([
      '2:16  not valid JSON: comma expected, found "\\"version\\": \\"1\\"},"',
      '3:16  not valid JSON: property name expected, found "}"',
    ]);
  });

  it.each([
    '['.repeat(100_000),
    '['.repeat(10_000) + ']'.repeat(10_000),
    `{"binaries":[],"x":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
  ])('is told so where it is nested without end (row %#)', (text) => {
    expect(problems(text)).toEqual([expect.stringMatching(/^1:\d+ {2}nested deeper than 50 levels$/)]);
  });

  it('counts brackets within text as text', () => {
    const text = `{"binaries":[{"name":"a","note":"${'[{'.repeat(100)}\\""}]}`;
    expect(parseManifest(text, PLACE).entries).toHaveLength(1);
  });

  it('counts a column after a byte order mark as an editor does', () => {
    expect(problems('\ufeff{"binaries": 7}')).toEqual([expect.stringMatching(/^1:14 {2}/)]);
  });

  it('shows no more than the beginning of a long value', () => {
    const [problem] = problems(`{"binaries":[{"name":"${'x'.repeat(500)}"}]}`);
    expect(problem).toContain(`(is "${'x'.repeat(56)}...)`);
  });
});

describe('a key that stands twice', () => {
  it("is refused anywhere: which of them counts is anybody's guess", () => {
    expect(problems('{"binaries": [], "a": {"b": 1, "b": 2}, "binaries": []}')).toEqual([
      '1:32  the key "b" stands here for the second time',
      '1:41  the key "binaries" stands here for the second time',
    ]);
  });
});

describe('a name that is taken already', () => {
  it('is told also where other things are wrong', () => {
    expect(problems('{"binaries": [{"name": "a"}, {"name": "a", "keep": 0}]}')).toEqual([
      '1:39  binaries[1].name: must be its own (is the name of binaries[0])',
      '1:52  binaries[1].keep: must be a whole number from 1, the file to go back to, to 100 (is 0)',
    ]);
  });

  it('is told for a path as well, also where it comes from BIN_DIR', () => {
    expect(problems('{"binaries": [{"name": "a", "path": "/usr/local/bin/b"}, {"name": "b"}]}')).toEqual([
      '1:58  binaries[1].path: must be its own (is the path of binaries[0], "/usr/local/bin/b")',
    ]);
  });
});

describe('hostile values are refused (invariant 10)', () => {
  it.each([
    '"name":""',
    '"name":".."',
    '"name":"a/b"',
    '"name":"a b"',
    '"name":"a\\n"',
    '"name":"a\\u0000"',
    '"name":"a\\u202eb"',
    '"name":"-rf"',
    `"name":"${'a'.repeat(129)}"`,
    '"name":7',
    '"name":["a"]',
  ])('%s', (field) => {
    expect(problemsOf(field)).toEqual([expect.stringMatching(/^name: must be /)]);
  });

  it.each([
    '"version":"../1"',
    '"version":"a/b"',
    '"version":""',
    '"version":"1 2"',
    '"version":null',
    '"service":"all"',
    '"service":["a","all"]',
    '"service":"a b"',
    '"service":"--help"',
    '"service":true',
    '"service":[]',
    '"service":{"name":"a"}',
    '"path":"relative"',
    '"path":"/"',
    '"path":"/a/"',
    '"path":"/a/../b"',
    '"path":"/../a"',
    '"path":"/./a"',
    '"path":"/a/."',
    '"path":"//a"',
    '"path":"/a//b"',
    '"path":"/a\\u0000b"',
    '"path":"/a\\n"',
    '"path":"/a\\nb"',
    '"path":""',
    '"mode":"rwx"',
    '"mode":"77"',
    '"mode":"17777"',
    '"mode":755',
    '"owner":"a b"',
    '"owner":"-R"',
    '"owner":":group"',
    '"owner":"a:b:c"',
    '"hold":0',
    '"check":[]',
    '"check":["sh","-c","true"]',
    '"check":"{file}"',
    '"check":["{file}",7]',
    '"check":["{file}","a\\u0000"]',
    '"keep":0',
    '"keep":101',
    '"keep":2.5',
    '"keep":"3"',
    '"keep":99999999999999999999',
    '"currentMd5":7',
  ])('%s', (field) => {
    const key = /"(\w+)"/.exec(field)?.[1] ?? '';
    expect(problemsOf(`"name":"app",${field}`)).toEqual([
      expect.stringMatching(new RegExp(`^${key}(\\[\\d\\])?: must `)),
    ]);
  });
});
