import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, machine as machineOf, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostDraw, hostId } from '../../src/platform/host-id.ts';
import { hostIdentity, readPrettyName } from '../../src/platform/host-identity.ts';

const MACHINE = '0123456789abcdef0123456789abcdef';

describe('the id of a host', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bin-proxy-id-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const idFrom = (text: string) => {
    const file = join(folder, 'machine-id');
    writeFileSync(file, text);
    return hostId(file);
  };

  it('is always the same, and does not show the id of the machine (machine-id(5), invariant 14)', async () => {
    // printf %s 0123456789abcdef0123456789abcdef | openssl sha256 -hmac bin-proxy/node-id/1
    const expected = '3f209b926525cd857a13f246a9a97cfd';
    expect([await idFrom(`${MACHINE}\n`), await idFrom(MACHINE)]).toEqual([expected, expected]);
    expect(await idFrom(`${MACHINE.replace('0', 'f')}\n`)).not.toBe(expected);
  });

  it.each(['', 'uninitialized\n', 'short', `${MACHINE}0`])('is the name of a host without one: %j', async (text) => {
    expect(await idFrom(text)).toBe(hostname());
  });

  it('is the name where there is no such file', async () => {
    expect(await hostId(join(folder, 'nowhere'))).toBe(hostname());
  });

  it('draws numbers that have nothing to do with each other, and fill the whole range', () => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `host-${i}`);
    for (const purpose of ['splay', 'keepalive'] as const) {
      const tenths = ids.map((id) => Math.floor(hostDraw(id, purpose) * 10));
      for (let tenth = 0; tenth < 10; tenth++) {
        expect(Math.abs(tenths.filter((one) => one === tenth).length - 300)).toBeLessThan(90);
      }
    }
    const alike = ids.filter((id) => Math.abs(hostDraw(id, 'splay') - hostDraw(id, 'keepalive')) < 0.01);
    expect(alike.length).toBeLessThan(120);
  });
});

describe('the name of the system', () => {
  it.each([
    ['NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', 'Debian GNU/Linux 12 (bookworm)'],
    ["PRETTY_NAME='Alpine Linux v3.20'\n", 'Alpine Linux v3.20'],
    ['PRETTY_NAME=Void\n', 'Void'],
    ['PRETTY_NAME="A \\"B\\" \\$C"\n', 'A "B" $C'],
    ['PRETTY_NAME=a\nPRETTY_NAME=b\n', 'b'],
    ['PRETTY_NAME=""\n', undefined],
    ['#PRETTY_NAME=a\nNAME=b\n', undefined],
    ['', undefined],
    [`PRETTY_NAME="${'x'.repeat(999)}"`, 'x'.repeat(200)],
  ])('is read from %j as os-release(5) has it', (text, name) => {
    expect(readPrettyName(text)).toBe(name);
  });

  it('is that of this host', async () => {
    const { name, machine, system } = await hostIdentity();
    expect(name).toBe(hostname());
    expect(machine).toBe(machineOf());
    expect(system).not.toBe('');
  });
});
