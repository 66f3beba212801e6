import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iniSections } from '../../src/platform/ini.ts';

const read = (text: string) =>
  Object.fromEntries([...iniSections(text)].map(([t, keys]) => [t, Object.fromEntries(keys)]));

describe('the sections of an INI file', () => {
  it('are those that Python finds', () => {
    const text = [
      'nowhere=1',
      '; a comment',
      '[supervisorctl] ; its client',
      'ServerURL = unix:///run/supervisor.sock ; where it listens',
      'username: admin',
      'password=a;b#c=d:e',
      '  continued = no pair',
      'empty =',
      'meaningless',
      '[program:app]\r',
      'command=/bin/app --x=1\r',
      '#password=none',
      '[supervisorctl]',
      'username=root',
    ].join('\n');
    expect(read(text)).toEqual({
      supervisorctl: {
        serverurl: 'unix:///run/supervisor.sock',
        username: 'root',
        password: 'a;b#c=d:e',
        empty: '',
      },
      'program:app': { command: '/bin/app --x=1' },
    });
  });

  it('never throws', () => {
    const line = fc.constantFrom('[a]', '[', ']', 'k=v', '=', ':', ';', '#', ' ', '\n', '\r', '[a]x', '__proto__=1');
    fc.assert(fc.property(fc.array(fc.oneof(line, fc.string())), (parts) => void iniSections(parts.join('\n'))));
  });
});
