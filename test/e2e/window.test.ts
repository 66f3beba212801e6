import { describe, expect } from 'vitest';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];
const UTC = { TZ: 'UTC' };
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** A window of an hour that opens in so many hours, and when that is. */
function windowIn(hours: number): { readonly text: string; readonly opens: Date; readonly told: string } {
  const opens = new Date(Date.now() + hours * 3_600_000);
  opens.setUTCMinutes(0, 0, 0);
  const clock = (time: Date) => time.toISOString().slice(11, 16);
  const day = DAYS[opens.getUTCDay()] ?? '';
  const text = `${day} ${clock(opens)}-${clock(new Date(opens.getTime() + 3_600_000))}`;
  return { text, opens, told: `waiting for its window (${text}), opens ${day} ${clock(opens)}` };
}

describe.concurrent('a maintenance window', () => {
  hostTest('that is closed holds a release back, as an idle tick, until it is said otherwise', async ({ host }) => {
    await host.runs('app', v1);
    const { text, opens, told } = windowIn(5);
    host.manages({ name: 'app', window: text }, { name: 'tool', service: false, window: text });
    host.server.publish('app', v2);
    host.server.publish('tool', v1);

    // What is not there is installed at once.
    const first = await host.tick([], UTC);
    expect(outcomeOf(first, 'tool')).toMatchObject({ outcome: 'updated' });
    expect(outcomeOf(first, 'app')).toMatchObject({
      outcome: 'held',
      reason: 'waiting-for-window',
      detail: told,
      nextAttempt: opens.toISOString(),
    });
    expect(first.code).toBe(0);
    expect(host.installed('app')).toEqual(v1);
    expect(host.server.requests.filter((line) => line.includes('app/download'))).toEqual([]);
    expect(await host.run(['run'], UTC)).toMatchObject({ code: 0, stdout: '', stderr: '' });

    const status = await host.run(['status'], UTC);
    const until = told.replace(/^.*opens /, '');
    expect(status.stdout).toContain(`Window       updates of app, tool wait until ${until} (${text})\n`);
    const plan = await host.run(['plan'], UTC);
    expect(plan.stdout).toMatch(/^! {2}app .* waiting for its window/m);
    expect(plan.stdout).toContain(`-        ${told}\n`);
    const explained = await host.run(['explain', 'app'], UTC);
    expect(explained.stdout).toContain(`window      ${text}, opens `);
    expect(explained.stdout).toContain('what to do  Wait, or now: bin-proxy run app --now\n');
    expect((await host.run(['plan', '--now'], UTC)).stdout).toContain('new release');

    const now = await host.tick(['app', '--now'], UTC);
    expect(outcomeOf(now, 'app')).toMatchObject({ outcome: 'updated', reason: 'new-release' });
    expect(await host.runsInstalled('app')).toBe(true);
  });

  hostTest('that is open lets it in; the way back asks for none (invariant 6)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages({ name: 'app', window: [windowIn(0).text, windowIn(1).text] });
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick([], UTC), 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(host.installed('app')).toEqual(v1);
  });

  hostTest('makes nobody wait for what an operator holds, as the plan says', async ({ host }) => {
    host.manages(
      { name: 'api', service: false, dependsOn: ['db'] },
      { name: 'db', service: false, window: windowIn(5).text },
    );
    for (const name of ['api', 'db']) {
      host.install(name, v1);
      host.server.publish(name, v2);
    }
    await host.run(['hold', 'db'], UTC);

    expect((await host.run(['plan'], UTC)).stdout).toMatch(/api .*new release/);
    // As cron starts it: it reads no more of the past than it needs.
    expect(await host.run(['run'], UTC)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^api {2}updated/m) });
    expect([host.installed('api'), host.installed('db')]).toEqual([v2, v1]);
  });

  hostTest('that nobody can read is refused with its place', async ({ host }) => {
    host.manages({ name: 'app', service: false, window: 'Mon 2-5' });
    const ran = await host.run(['run']);
    expect(ran.code).toBe(78);
    expect(ran.stderr).toContain(
      ':7:17  binaries[0].window: must be such as "Mon-Fri 02:00-05:00": found "2-5" where a day (Mon, Mon-Fri) is expected (is "Mon 2-5")',
    );
  });
});
