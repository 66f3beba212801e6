import { describe, expect, it } from 'vitest';
import type { JournalProcess, JournalService } from '../../src/domain/journal.ts';
import { nextWave } from '../../src/planning/waves.ts';
import { service } from './builders.ts';

/** A process as `name`, `name!` (it was failing) or `name?` (it ran something else). */
function processOf(text: string): JournalProcess {
  const process = text.replace(/[!?]$/, '');
  if (text.endsWith('!')) return { process, before: 'failing', executed: 'unknown' };
  return { process, before: 'running', executed: text.endsWith('?') ? 'other' : 'target' };
}

function serviceOf(name: string, ...processes: readonly string[]): JournalService {
  return { service: service(name), targets: ['/usr/local/bin/app'], processes: processes.map(processOf) };
}

/** Every wave, where each of those before was proven. */
function waves(...services: readonly JournalService[]): readonly string[] {
  const done = new Set<string>();
  const all: string[] = [];
  for (;;) {
    const wave = nextWave(services, { done, proven: done });
    if (wave.length === 0) return all;
    all.push(wave.join(' '));
    for (const process of wave) done.add(process);
  }
}

describe('the waves of a restart', () => {
  it.each<[string, readonly JournalService[], readonly string[]]>([
    ['nothing', [], []],
    ['one process', [serviceOf('app', 'app')], ['app']],
    ['two services at once', [serviceOf('a', 'a'), serviceOf('b', 'b')], ['a b']],
    ['one of a group, then the others', [serviceOf('web:*', 'web:0', 'web:1', 'web:2')], ['web:0', 'web:1 web:2']],
    ['a group of one at once', [serviceOf('web:*', 'web:0')], ['web:0']],
    [
      'one that runs before those that failed',
      [serviceOf('web:*', 'web:0!', 'web:1', 'web:2')],
      ['web:1', 'web:0 web:2'],
    ],
    ['all at once where one runs', [serviceOf('web:*', 'web:0!', 'web:1')], ['web:0 web:1']],
    ['all at once where none does', [serviceOf('web:*', 'web:0!', 'web:1!')], ['web:0 web:1']],
    [
      'one that runs the file before those that do not',
      [serviceOf('web:*', 'web:0?', 'web:1', 'web:2')],
      ['web:1', 'web:0 web:2'],
    ],
    ['all at once where nobody runs the file', [serviceOf('web:*', 'web:0?', 'web:1?')], ['web:0 web:1']],
    [
      'of two groups one each',
      [serviceOf('a:*', 'a:0', 'a:1'), serviceOf('b:*', 'b:0', 'b:1'), serviceOf('c', 'c')],
      ['a:0 b:0 c', 'a:1 b:1'],
    ],
    ['no process twice', [serviceOf('a:*', 'a:0', 'a:1'), serviceOf('a:0', 'a:0')], ['a:0', 'a:1']],
  ])('are of %s', (_, services, expected) => {
    expect(waves(...services)).toEqual(expected);
  });

  it('choose another one to go first where the first was stopped before it was proven', () => {
    const group = serviceOf('web:*', 'web:0', 'web:1', 'web:2');
    expect(nextWave([group], { done: new Set(['web:0']), proven: new Set() })).toEqual(['web:1']);
  });
});
