import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mountOf, mounts } from '../../src/platform/mount-facts.ts';
import { hostTest, mountTest } from '../support/host-test.ts';

describe('the mount of a path', () => {
  it('is the one that reaches as far down, the last of several at one place', () => {
    const mount = (point: string, kind: string) => ({ point, kind, options: new Set<string>() });
    const all = [mount('/', 'ext4'), mount('/opt', 'ext4'), mount('/op', 'xfs'), mount('/opt', 'tmpfs')];
    expect(mountOf('/opt/x/y', all)?.kind).toBe('tmpfs');
    expect(mountOf('/opt', all)?.kind).toBe('tmpfs');
    expect(mountOf('/optional', all)?.point).toBe('/');
    expect(mountOf('/op/../opt/z', all)?.kind).toBe('tmpfs');
  });

  mountTest(
    'tells its options as the kernel has them, also where its name has a blank',
    async ({ host, mounts: own }) => {
      const point = own.tmpfs(join(host.directory, 'a b'), 'size=1m,noexec');
      own.remount(point, 'ro');
      const found = mountOf(join(point, 'file'), await mounts());
      expect(found).toMatchObject({ point, kind: 'tmpfs' });
      expect([...(found?.options ?? [])]).toEqual(expect.arrayContaining(['ro', 'noexec']));
    },
  );

  hostTest('is there for every path', async ({ host }) => {
    expect(mountOf(host.directory, await mounts())).toBeDefined();
  });
});
