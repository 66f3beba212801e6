import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readKeepalive } from '../../src/manager/fleet/reports.ts';
import { HOST_STATES } from '../../src/manager/fleet/standing.ts';
import { type MetricFamily, metricsText } from '../../src/platform/metrics-text.ts';
import { has } from '../support/components.ts';
import { digest, fleetTest, MINUTE, NOW, offering } from '../support/fleet.ts';

const family = (samples: MetricFamily['samples']): MetricFamily => ({
  name: 'bin_manager_hosts',
  help: 'Hosts, by what they say\nof themselves (\\o/).',
  type: 'gauge',
  samples,
});

describe('the text of metrics', () => {
  it('is one line for a sample, and nothing for a family that has none', () => {
    const text = metricsText([family([{ labels: { state: 'ok', name: 'app' }, value: 3 }]), family([])]);
    expect(text).toBe(
      '# HELP bin_manager_hosts Hosts, by what they say\\nof themselves (\\\\o/).\n' +
        '# TYPE bin_manager_hosts gauge\n' +
        'bin_manager_hosts{state="ok",name="app"} 3\n',
    );
  });

  describe.skipIf(!has('promtool'))('for the real promtool', () => {
    const check = (text: string) => spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });

    it('is understood, whatever the labels hold', () => {
      const values = ['"', '\\', '\n', '\\n"} 1\nforged 1', '{}', 'ä', ''];
      const samples = values.map((state, value) => ({ labels: { state }, value }));
      const infinite = { labels: { state: 'infinite' }, value: Number.POSITIVE_INFINITY };
      const checked = check(metricsText([family([...samples, infinite, { labels: {}, value: 1e-7 }])]));
      expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);
    });

    fleetTest('is understood with hosts in every state', async ({ folder }) => {
      const [old, next] = ['1', '2'].map(digest);
      folder.offers = offering('app', { stable: ['2', next ?? ''] });
      const fleet = await folder.open();
      const states = ['ok', 'proving', 'updating', 'held', 'quarantined', 'rolled-back', 'rollback-failed', 'failed'];
      folder.now = NOW - 60 * MINUTE;
      fleet.keepalive({ id: 'lost' }, {});
      folder.now = NOW;
      for (const state of [...states, 'missing', '"}\n']) {
        const binaries = [{ name: 'app', sha256: state === 'ok' ? next : old, state, reason: '"\\\n', version: '{"' }];
        fleet.keepalive({ id: state }, readKeepalive({ binaries }, NOW));
      }
      const text = metricsText(await fleet.metrics());
      for (const state of HOST_STATES) expect(text).toMatch(new RegExp(`hosts_in_state\\{state="${state}"\\} [1-9]`));
      const checked = check(text);
      expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);
    });

    it('would not pass without its escapes', () => {
      expect(check('# HELP a b\n# TYPE a gauge\na{b="""} 1\n').status).not.toBe(0);
    });
  });
});
