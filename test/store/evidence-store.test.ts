import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/domain/evidence.ts';
import type { BinaryName } from '../../src/domain/names.ts';
import { EvidenceStore } from '../../src/store/evidence-store.ts';
import { folder } from './folder.ts';

function evidence(name: string, minute: number, detail = ''): Evidence {
  const begun = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  return {
    schema: 'bin-proxy/evidence/1',
    name: name as BinaryName,
    run: 'run',
    at: begun,
    version: 'latest',
    release: 'md5:00',
    reason: 'did-not-start',
    fault: 'release',
    detail,
    companions: {},
    timings: { begun, rollbackSeconds: 1 },
    states: [],
    processes: [],
    host: { uptimeSeconds: 1, load: 0, processors: 1, memoryBytes: 1, memoryAvailableBytes: 1, disks: [] },
    rejected: [],
  };
}

describe('the evidence of rollbacks', () => {
  const state = folder();

  it('is a file for root alone', async () => {
    const path = await new EvidenceStore(state.path()).add(evidence('app', 0, 'why'));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(evidence('app', 0, 'why'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(state.path('evidence')).mode & 0o777).toBe(0o700);
  });

  it('keeps the last five of each binary', async () => {
    const store = new EvidenceStore(state.path());
    const other = await store.add(evidence('app.web', 0));
    const paths: string[] = [];
    for (let minute = 0; minute < 8; minute++) paths.push(await store.add(evidence('app', minute)));
    expect(paths.map((path) => existsSync(path))).toEqual([false, false, false, true, true, true, true, true]);
    expect(existsSync(other)).toBe(true);
  });

  it('keeps what the first run saw of a transaction that is taken up again', async () => {
    const store = new EvidenceStore(state.path());
    const first = await store.add(evidence('app', 0, 'saw it die'));
    expect(await store.add(evidence('app', 0, 'came later'))).toBe(first);
    expect(readFileSync(first, 'utf8')).toContain('saw it die');
    expect(readdirSync(state.path('evidence'))).toHaveLength(1);
  });
});
