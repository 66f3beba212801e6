import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iniSections } from '../../src/platform/ini.ts';

const read = (text: string) =>
  Object.fromEntries([...iniSections(text)].map(([t, { keys }]) => [t, Object.fromEntries(keys)]));

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

  it('tell where there is more than was read', () => {
    const has = (text: string) => iniSections(`[a]\n${text}`).get('a')?.has;
    for (const plain of ['', 'k=v', '; k', 'k=v ; w', 'k=v\n[b]\n  w']) expect(has(plain), plain).toBe('plain keys');
    for (const more of ['k=v\n  w', '  k=v', 'meaningless', 'k=v # w']) expect(has(more), more).toBe('more');
  });

  it('never throws', () => {
    const line = fc.constantFrom('[a]', '[', ']', 'k=v', '=', ':', ';', '#', ' ', '\n', '\r', '[a]x', '__proto__=1');
    fc.assert(fc.property(fc.array(fc.oneof(line, fc.string())), (parts) => void iniSections(parts.join('\n'))));
  });
});
