import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsOf, isOrder, lastOf, linesOf, saidNothing } from '../../src/services/supervisor-words.ts';

describe('the lines of a log', () => {
  it('are those that are not empty', () => {
    expect(linesOf('one\r\n\ntwo\n\n', 100)).toEqual(['one', 'two']);
  });

  it('begin with a whole one', () => {
    expect(linesOf('ne\ntwo\n', 7)).toEqual(['two']);
    expect(linesOf('one\ntwo\n', 100)).toEqual(['one', 'two']);
  });

  it.each(['app: ERROR (no log file)', 'web:app: ERROR (no such process name)'])('are none for %j', (text) => {
    expect(saidNothing(`${text}\n`)).toBe(true);
    expect(saidNothing(`one\n${text}\n`)).toBe(false);
  });

  it('cannot steer a terminal or grow without bound, whatever a program prints', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), fc.nat(3000), (text, bytes) => {
        const lines = lastOf(linesOf(text, bytes));
        expect(lines.length).toBeLessThanOrEqual(40);
        for (const line of lines) expect(line).toMatch(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+$/u);
      }),
    );
    expect(linesOf('x'.repeat(5000), 10_000)[0]).toHaveLength(400);
  });
});

describe('what supervisord notes of a program', () => {
  const log = [
    "2026-01-01 00:00:00,000 INFO spawned: 'app' with pid 7",
    '2026-01-01 00:00:01,000 INFO success: app entered RUNNING state, process has stayed up for > than 1 seconds',
    '2026-01-01 00:00:02,000 WARN exited: app (terminated by SIGSEGV; not expected)',
    "2026-01-01 00:00:03,000 INFO spawned: 'apple' with pid 8",
    '2026-01-01 00:00:04,000 INFO gave up: my-app entered FATAL state, too many start retries too quickly',
    '2026-01-01 00:00:05,000 INFO waiting for app to stop',
  ];

  it.each(['app', 'web:app'])('names it without its group: %s', (process) => {
    expect(eventsOf(process, log)).toEqual([log[0], log[1], log[2], log[5]]);
  });

  it('is nothing for a program it never ran', () => {
    expect(eventsOf('web:other', log)).toEqual([]);
  });
});

describe('an order', () => {
  it.each([
    '/usr/bin/python3 /usr/bin/supervisorctl -c /etc/supervisord.conf restart app',
    'supervisorctl stop other app',
    'supervisorctl start all',
    'python3 /usr/bin/supervisorctl restart web:*',
    'supervisorctl restart web:1',
    'supervisorctl stop web:',
    'supervisorctl restart app:*',
    'supervisorctl restart app:app',
    '/usr/bin/python3 -sP /usr/bin/supervisorctl update',
    'supervisorctl -c /etc/supervisord.conf reload',
    '/bin/sh /usr/local/bin/supervisorctl restart app',
  ])('is %j', (command) => {
    expect(isOrder(command.split(' '), ['app', 'web:1'])).toBe(true);
  });

  it.each([
    'supervisorctl status app',
    'supervisorctl restart apple',
    'supervisorctl restart web:2',
    'supervisorctl restart webs:*',
    'supervisorctl -c app tail other',
    'vi supervisorctl.txt restart app',
    '/bin/app restart app',
    'sleep 5 6 /tmp/supervisorctl restart all',
    'supervisorctl',
  ])('is not %j', (command) => {
    expect(isOrder(command.split(' '), ['app', 'web:1'])).toBe(false);
  });
});
