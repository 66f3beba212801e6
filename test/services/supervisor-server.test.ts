import { describe, expect, it } from 'vitest';
import { searchedFiles, serverOf } from '../../src/services/supervisor-server.ts';

const section = (...lines: readonly string[]) => ['[supervisorctl]', ...lines].join('\n');

describe('where supervisord listens, by the configuration of supervisorctl', () => {
  it.each([
    [section('serverurl=unix:///run/supervisor.sock'), { address: { socketPath: '/run/supervisor.sock' } }],
    ['[supervisorctl]\r\nserverurl=unix:///s ; here\r\n', { address: { socketPath: '/s' } }],
    [section('; serverurl', '#one', 'serverurl=unix:///s', '', '[other]', ' x=1'), { address: { socketPath: '/s' } }],
    [section('serverurl=http://127.0.0.1:9001'), { address: { host: '127.0.0.1', port: 9001 } }],
    [section('serverurl=http://[::1]:9001/'), { address: { host: '::1', port: 9001 } }],
    [section('serverurl=http://host'), { address: { host: 'host', port: 80 } }],
    [section(), { address: { host: 'localhost', port: 9001 } }],
    [section('serverurl=unix:///s', 'username=u', 'password=p'), { address: { socketPath: '/s' }, auth: 'u:p' }],
    // supervisorctl sends credentials only where it has both.
    [section('serverurl=unix:///s', 'username=u'), { address: { socketPath: '/s' } }],
  ])('%j', (text, expected) => {
    expect(serverOf(text)).toEqual({ ...expected, history: 'none' });
  });

  it('and whether a shell of it writes a history', () => {
    expect(serverOf(section('history_file=~/.sc_history'))?.history).toBe('kept');
  });

  it.each([
    ['no such section', '[unix_http_server]\nfile=/s'],
    ['a path that is not absolute', section('serverurl=unix://s')],
    ['a place that supervisor expands', section('serverurl=unix://%(here)s/s')],
    ['a password that supervisor expands', section('serverurl=unix:///s', 'username=u', 'password=%(ENV_P)s')],
    ['an indented key, which Python may read', section('  serverurl=unix:///s')],
    ['a comment that Python 2 takes for the value', section('serverurl=unix:///s #1')],
    ['values of its own for every section', `[DEFAULT]\nserverurl=unix:///other\n${section('serverurl=unix:///s')}`],
    ['another protocol', section('serverurl=https://host')],
    ['no URL', section('serverurl=supervisor')],
  ])('is left to supervisorctl where it has %s', (_, text) => {
    expect(serverOf(text)).toBeUndefined();
  });

  it('is searched where supervisorctl searches, in its order', () => {
    expect(searchedFiles('/usr/local/bin/supervisorctl')).toEqual([
      '/usr/local/etc/supervisord.conf',
      '/usr/local/supervisord.conf',
      '/supervisord.conf',
      '/etc/supervisord.conf',
      '/etc/supervisor/supervisord.conf',
    ]);
  });
});
