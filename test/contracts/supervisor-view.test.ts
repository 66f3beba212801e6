import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/command.ts';
import { SupervisorSocket, toldServer } from '../../src/services/supervisor-socket.ts';
import type { SupervisorView } from '../../src/services/supervisor-view.ts';
import { Supervisorctl } from '../../src/services/supervisorctl.ts';
import { has } from '../support/components.ts';
import { Supervisord } from '../support/supervisord.ts';

const DIES = 'sh -c "echo ready; echo panic >&2; exit 3"';
const WAYS = ['supervisorctl', 'its socket'] as const;
/** For a view that must answer by itself. */
const NOBODY: SupervisorView = {
  processes: () => Promise.reject(new Error('nobody else is asked')),
  pid: () => Promise.reject(new Error('nobody else is asked')),
  mainLog: () => Promise.reject(new Error('nobody else is asked')),
  log: () => Promise.reject(new Error('nobody else is asked')),
};

describe.skipIf(!has('supervisord', 'supervisorctl'))('a view of supervisord', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-view-'));
  const supervisord = new Supervisord(directory);
  const ctl = new Supervisorctl(runCommand, supervisord.configuration);
  const views = {
    supervisorctl: ctl,
    'its socket': new SupervisorSocket({ address: { socketPath: supervisord.socket } }, NOBODY),
  };

  beforeAll(async () => {
    supervisord.program({ name: 'steady', command: 'sleep 1000' });
    supervisord.program({ name: 'down', command: 'sleep 1000', options: ['autostart=false'] });
    supervisord.program({ name: 'gaveup', command: DIES, options: ['startretries=0'] });
    supervisord.program({ name: 'missing', command: '/nonexistent/program', options: ['startretries=0'] });
    supervisord.program({
      name: 'mute',
      command: 'sleep 1000',
      options: ['stdout_logfile=NONE', 'stderr_logfile=NONE'],
    });
    supervisord.program({
      name: 'red',
      command: `printf '\\033[31mred\\n'`,
      options: ['autorestart=false', 'startsecs=0'],
    });
    supervisord.program({
      name: 'letters',
      command: String.raw`printf 'äöü\nabc\n'`,
      options: ['autorestart=false', 'startsecs=0'],
    });
    supervisord.program({
      name: 'many',
      command: 'sleep 1000',
      options: ['numprocs=2', 'process_name=%(process_num)d'],
    });
    supervisord.program({ name: 'front', command: 'sleep 1000', options: ['autostart=false'] });
    supervisord.group('web', ['front']);
    await supervisord.start();
    for (const name of ['steady', 'many:0', 'many:1']) await supervisord.untilState(name, 'RUNNING');
    for (const name of ['gaveup', 'missing']) await supervisord.untilState(name, 'FATAL');
    for (const name of ['red', 'letters']) await supervisord.untilState(name, 'EXITED');
  });
  afterAll(async () => {
    await supervisord.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells of every process, whichever way it is asked', async () => {
    const told = await Promise.all(WAYS.map((way) => views[way].processes()));
    const [byCtl, bySocket] = told.map((processes) =>
      processes.map((one) => ({ ...one, detail: one.detail.replace(/uptime .*/, '') })).sort(byName),
    );
    expect(bySocket).toEqual(byCtl);
    expect(bySocket?.map(({ process, state }) => `${process} ${state}`)).toEqual([
      'down stopped',
      'gaveup fatal',
      'letters exited',
      'many:0 running',
      'many:1 running',
      'missing fatal',
      'mute running',
      'red exited',
      'steady running',
      'web:front stopped',
    ]);
  });

  it.each(WAYS)('%s: tells the pid', async (way) => {
    expect(await views[way].pid()).toBe(supervisord.pidOfItself());
  });

  it.each(WAYS)('%s: tells the last lines of each log', async (way) => {
    expect(await views[way].log('gaveup', 'stdout', 8192)).toEqual(['ready']);
    expect(await views[way].log('gaveup', 'stderr', 8192)).toEqual(['panic']);
    expect((await views[way].mainLog(65_536)).join('\n')).toMatch(/exited: gaveup \(exit status 3; not expected\)/);
    expect(await views[way].log('gaveup', 'stdout', 3)).toEqual([]);
  });

  it('its socket: tells also what XML has no place for, the colours of a log', async () => {
    expect(await views['its socket'].log('red', 'stdout', 8192)).toEqual(['\ufffd[31mred']);
  });

  it.each(WAYS)('%s: has no lines of a process without a log, or that is not known', async (way) => {
    for (const name of ['mute', 'nosuch']) expect(await views[way].log(name, 'stderr', 8192)).toEqual([]);
  });

  it('its socket: is what the configuration of supervisorctl tells of', async () => {
    const server = await toldServer('/usr/bin/supervisorctl', supervisord.configuration);
    expect(server).toEqual({ address: { socketPath: supervisord.socket }, prompts: true });
  });

  it.each([
    ['#!/usr/bin/python3', true],
    ['#!/opt/venv/bin/python3.11', true],
    ['#!/usr/bin/env python3', true],
    ['#!/usr/bin/python2.7', false],
    ['#!/usr/bin/python', false],
  ])('its supervisorctl prompts where its Python surely does: %s', async (interpreter, prompts) => {
    const script = join(directory, 'supervisorctl');
    writeFileSync(script, `${interpreter}\nfrom supervisor.supervisorctl import main\n`);
    expect(await toldServer(script, supervisord.configuration)).toMatchObject({ prompts });
  });

  it('its socket: begins with a whole letter, though supervisord cannot tell of a part of one', async () => {
    expect(await views['its socket'].log('letters', 'stdout', 11)).toEqual(['abc']);
    expect(await views['its socket'].log('letters', 'stdout', 10)).toEqual(['abc']);
    expect(await views['its socket'].log('letters', 'stdout', 8192)).toEqual(['äöü', 'abc']);
  });

  it("its socket: is not asked where supervisorctl is somebody's own script", async () => {
    const script = join(directory, 'supervisorctl');
    writeFileSync(script, '#!/bin/sh\nexec /opt/venv/bin/supervisorctl "$@"\n');
    expect(await toldServer(script, supervisord.configuration)).toBeUndefined();
  });

  it('its socket: hands the question on where nobody listens', async () => {
    const socket = new SupervisorSocket({ address: { socketPath: join(directory, 'nosuch.sock') } }, ctl);
    expect((await socket.processes()).length).toBe(10);
    expect(await socket.pid()).toBe(supervisord.pidOfItself());
  });

  it('its socket: is not asked where the configuration does not tell of one', async () => {
    const none = join(directory, 'none.conf');
    writeFileSync(none, '[supervisorctl]\nserverurl=unix://%(here)s/supervisor.sock\n');
    expect(await toldServer('/usr/bin/supervisorctl', none)).toBeUndefined();
    expect(await toldServer('/usr/bin/supervisorctl', join(directory, 'nosuch.conf'))).toBeUndefined();
  });
});

function byName(one: { process: string }, other: { process: string }): number {
  return one.process < other.process ? -1 : 1;
}
