import { spawnSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { folderTest, shippedPath } from './shipped.ts';

const RULES = shippedPath('config/bin-proxy.rules.yml');

function promtool(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
}

/** What must fire for a series after so many minutes. */
function unitTest(series: string, alert: string, labels: string): string {
  return `
  - interval: 1m
    input_series:
      - series: '${series}'
        values: '1x60'
    alert_rule_test:
      - eval_time: 45m
        alertname: ${alert}
        exp_alerts: [${labels}]`;
}

describe.skipIf(!has('promtool'))('the alert rules', () => {
  folderTest('are rules for the real promtool', () => {
    expect(promtool('check', 'rules', RULES)).toMatchObject({ status: 0 });
  });

  folderTest('fire for what they are named for, and for nothing else', ({ folder }) => {
    const state = (name: string) => `bin_proxy_binary_state{name="app",state="${name}"}`;
    const silent = ['BinProxyNeedsPerson', 'BinProxyMissing', 'BinProxyReleaseFailed'].map((alert) =>
      unitTest(state('ok'), alert, ''),
    );
    const text = (rules: string) =>
      `rule_files: [${rules}]\nevaluation_interval: 1m\ntests:${[...silent, unitTest(state('held'), 'BinProxyReleaseFailed', '')].join('')}\n`;
    expect(promtool('test', 'rules', folder.write('silent.yml', text(RULES)))).toMatchObject({ status: 0 });
    for (const [name, alert] of [
      ['rollback-failed', 'BinProxyNeedsPerson'],
      ['missing', 'BinProxyMissing'],
      ['quarantined', 'BinProxyReleaseFailed'],
    ] as const) {
      const loud = `rule_files: [${RULES}]\nevaluation_interval: 1m\ntests:${unitTest(state(name), alert, '')}\n`;
      const { status, text: said } = promtool('test', 'rules', folder.write(`${name}.yml`, loud));
      expect([name, status === 0, said.includes(alert)]).toEqual([name, false, true]);
    }
  });
});
