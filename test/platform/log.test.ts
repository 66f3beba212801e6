import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LogLevel, type LogPlaces, openLog } from '../../src/platform/log.ts';
import { printableText } from '../../src/platform/text.ts';
import { folder } from '../store/folder.ts';

const WRITER = fileURLToPath(new URL('./log-writer.mjs', import.meta.url));

describe('the log', () => {
  const place = folder();
  let stderr: string[] = [];

  beforeEach(() => {
    stderr = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr.push(String(text));
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const open = (more: Partial<LogPlaces> = {}) =>
    openLog({ file: place.path('log'), fileLevel: 'debug', stderrLevel: 'debug', run: 'cafe', ...more });
  const lines = () => readFileSync(place.path('log'), 'utf8').split('\n').slice(0, -1);

  it('has one line an event: time in UTC, run, level and message', () => {
    const log = open();
    log.error('one');
    log.warn('two');
    log.info('three');
    log.debug('four');
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
    expect(lines().every((line) => time.test(line))).toBe(true);
    expect(lines().map((line) => line.replace(time, ''))).toEqual([
      '[cafe] error one',
      '[cafe] warn  two',
      '[cafe] info  three',
      '[cafe] debug four',
    ]);
    expect(stderr).toEqual(['bin-proxy: one\n', 'bin-proxy: two\n', 'bin-proxy: three\n', 'bin-proxy: four\n']);
  });

  it.each<[LogLevel, LogLevel, number, number]>([
    ['error', 'debug', 1, 4],
    ['info', 'error', 3, 1],
    ['warn', 'warn', 2, 2],
  ])('has two levels of its own: file %s, stderr %s', (fileLevel, stderrLevel, inFile, onStderr) => {
    const log = open({ fileLevel, stderrLevel });
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level](level);
    expect([lines().length, stderr.length]).toEqual([inFile, onStderr]);
  });

  it('keeps what is there', () => {
    writeFileSync(place.path('log'), 'before\n');
    open().info('after');
    expect(lines()).toEqual(['before', expect.stringContaining('after')]);
  });

  it('follows a rotation: the next line makes a new file that others may not read', () => {
    const log = open();
    log.info('one');
    renameSync(place.path('log'), place.path('log.1'));
    log.info('two');
    expect(lines()).toEqual([expect.stringContaining('two')]);
    expect(readFileSync(place.path('log.1'), 'utf8')).toMatch(/one\n$/);
    expect(statSync(place.path('log')).mode & 0o007).toBe(0);
  });

  it.each<[string, () => void]>([
    ['its place is a directory', () => mkdirSync(place.path('log'))],
    ['its directory is a file', () => writeFileSync(place.path('dir'), '')],
    ['its directory is missing', () => {}],
  ])('that cannot be written is one warning and stops nothing (invariant 8): %s', (why, prepare) => {
    prepare();
    const file = why.includes('its directory') ? place.path('dir', 'log') : place.path('log');
    const log = open({ file, stderrLevel: 'error' });
    log.info('one');
    log.info('two');
    log.error('three');
    expect(stderr).toHaveLength(2);
    expect(stderr[0]).toMatch(/^bin-proxy: cannot write the log: E[A-Z]+: /);
    expect(stderr[1]).toBe('bin-proxy: three\n');
  });

  it('that can be written again is written again', () => {
    mkdirSync(place.path('log'));
    const log = open();
    log.info('lost');
    renameSync(place.path('log'), place.path('elsewhere'));
    log.info('there');
    expect(lines()).toEqual([expect.stringContaining('there')]);
  });

  it('cannot be forged by what it is told: no line breaks, no control characters, no reordering', () => {
    open().info('name\n2030-01-01T00:00:00.000Z [cafe] info  forged\r\u001b[31m\u2028\u202e\u0000\u009b');
    expect(lines()).toHaveLength(1);
    const [line] = lines();
    expect(line).toContain('name\\u000a2030-01-01');
    expect(line).toContain('\\u000d\\u001b[31m\\u2028\\u202e\\u0000\\u009b');
    expect(stderr.join('')).not.toMatch(/\p{Cf}|\p{Zl}|\p{Cc}(?!$)/u);
  });

  it('takes a message as it is: nothing in it is a pattern', () => {
    open().info('100 %s %d %j $& {"a":1} \\n ä 😀');
    expect(lines()[0]).toMatch(/info {2}100 %s %d %j \$& \{"a":1\} \\n ä 😀$/);
  });

  it('takes a very long line and an empty one', () => {
    const log = open();
    log.info('x'.repeat(100_000));
    log.info('');
    expect(lines().map((line) => line.length > 100_000)).toEqual([true, false]);
  });
});

describe('the end of a process', () => {
  const place = folder();

  it.each([
    ['by itself', '', 0],
    ['by process.exit', 'exit', 3],
    ['by an exception', 'throw', 1],
    ['by a promise nobody waits for', 'reject', 1],
    ['by SIGKILL', 'kill', null],
  ])('%s loses no line of the log', (_, end, code) => {
    const { status } = spawnSync(process.execPath, [WRITER, place.path('log'), end], { stdio: 'ignore' });
    const written = readFileSync(place.path('log'), 'utf8').split('\n').slice(0, -1);
    expect(status).toBe(code);
    expect(written).toHaveLength(1_000);
    expect(written.at(-1)).toMatch(/line 999$/);
  });
});

describe('text from outside', () => {
  it.each([
    ['plain ä 😀', 'plain ä 😀'],
    ['a\nb\tc', 'a\\u000ab\\u0009c'],
    ['\u007f\u0085\u009f', '\\u007f\\u0085\\u009f'],
    ['\u200e\u200f\u202a\u202e\u2066\u2069', '\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069'],
    ['\u2028\u2029', '\\u2028\\u2029'],
  ])('fits on one line: %j', (text, shown) => {
    expect(printableText(text)).toBe(shown);
  });
});
