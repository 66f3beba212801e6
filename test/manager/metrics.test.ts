import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type MetricFamily, metricsText } from '../../src/manager/metrics.ts';
import { has } from '../support/components.ts';

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

    it('would not pass without its escapes', () => {
      expect(check('# HELP a b\n# TYPE a gauge\na{b="""} 1\n').status).not.toBe(0);
    });
  });
});
