import type { FastifyInstance } from 'fastify';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/manager/fleet/fleet.ts';
import { Browser } from '../support/browser.ts';
import { has } from '../support/components.ts';
import { digest, FleetFolder, fleetTest, MINUTE, NOW, offering } from '../support/fleet.ts';

const [OLD, NEW, CANARY] = [digest('1'), digest('2'), digest('3')];
const OFFERS = offering('app', { stable: ['1.4.0', NEW], canary: ['1.5.0', CANARY], former: ['1.3.0', OLD] });
const BAD_REASON = 'did-not-stay-up: ended with 1 after 2 s';

/** Run in the page: the colour of what is selected, and of the paper. */
function colorsOf(selector: string): string {
  return `['${selector}', 'body'].map((one) => getComputedStyle(document.querySelector(one)))
    .map(({ color, backgroundColor }, index) => [color, backgroundColor][index])`;
}

/** What a stranger would send to whoever reads the page. */
const HOSTILE = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror="document.title=\'owned\'">',
  "' onmouseover='document.title=1",
  '</title><script>document.title="owned"</script>',
  '</style><style>body{display:none}</style>',
  'javascript:alert(1)',
  '&lt;b&gt; &#x3c;',
  '\u202Egnp.exe\u202C \u200B\u0000\u001b[31m\uDC00 end',
  '<svg onload=alert(1)>',
  '{{7*7}} <!--',
];

async function post(app: FastifyInstance, url: string, payload: object): Promise<void> {
  const { statusCode, body } = await app.inject({ method: 'POST', url, payload });
  if (statusCode > 201) throw new Error(`${statusCode}: ${body}`);
}

/** A fleet with every kind of host. */
async function report(folder: FleetFolder, app: FastifyInstance): Promise<void> {
  const host = async (name: string, sha256: string, more: object = {}) =>
    post(app, '/keepalive', {
      node_id: `id-${name}`,
      nodeName: name,
      binaries: [{ name: 'app', sha256, state: 'ok', ...more }],
    });
  folder.now = NOW - 50 * MINUTE;
  await host('lost-1', OLD);
  folder.now = NOW - 10 * MINUTE;
  for (let index = 0; index < 60; index++) await host(`fine-${index}`, NEW);
  await host('canary-1', CANARY);
  await host('behind-1', OLD, { state: undefined });
  await host('held-1', OLD, { state: 'held', reason: 'held: before the audit' });
  await host('bad-1', OLD, { state: 'rolled-back', reason: BAD_REASON });
  await host('worse-1', OLD, { state: 'rollback-failed', reason: 'needs-a-human' });
  const progress = { node_id: 'id-moving-1', nodeName: 'moving-1', targetHash: NEW, status: 'in_progress' };
  await post(app, '/bins/app/progress', progress);
  folder.now = NOW;
}

describe.skipIf(!has('chromium'))('the fleet page in Chromium', () => {
  let [folder, hostile] = [new FleetFolder(), new FleetFolder()];
  let [origin, hostileOrigin] = ['', ''];
  let [plain, scripted]: Browser[] = [];

  beforeAll(async () => {
    [folder, hostile] = [new FleetFolder(), new FleetFolder()];
    const [app, other] = [folder.serve(await folder.open()), hostile.serve(await hostile.open())];
    folder.offers = OFFERS;
    await report(folder, app);
    for (const [index, text] of HOSTILE.entries()) {
      const binaries = [{ name: 'app', version: text, state: 'rolled-back', reason: text, sha256: digest('4') }];
      const names = { node_id: `${index} ${text}`, nodeName: text, osRelease: text, cpuArch: text };
      await post(other, '/keepalive', { ...names, binProxyVersion: text, binaries });
    }
    const listening = { host: '127.0.0.1', port: 0 };
    [origin, hostileOrigin] = [await app.listen(listening), await other.listen(listening)];
    [plain, scripted] = await Promise.all([Browser.start('off'), Browser.start('on')]);
  });
  afterAll(async () => {
    await Promise.all([plain?.close(), scripted?.close()]);
    await folder.remove();
    await hostile.remove();
  });

  async function visit(browser: Browser | undefined, url: string): Promise<Page> {
    if (browser === undefined) throw new Error('the browser was not started');
    const page = await browser.page();
    await page.goto(url);
    return page;
  }

  it('says without JavaScript how far a release is, who is behind, and who rolled back and why', async () => {
    const page = await visit(plain, origin);
    expect(await page.title()).toBe('(2) Fleet');
    const states = await page.getByRole('list', { name: 'Hosts by state' }).getByRole('listitem').allInnerTexts();
    expect(states.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
      '67 hosts',
      '61 fine',
      '1 behind',
      '1 updating',
      '1 kept on purpose',
      '1 rolled back',
      '1 failed',
      '1 not heard from',
    ]);
    const release = await page.locator('.release').first().innerText();
    expect(release).toMatch(/app\s+stable 1\.4\.0 for 1 h/);
    expect(release).toContain('61 of 67 hosts are current (91 %) · 1 updating · 1 behind · 1 rolled back');
    expect(release).toContain('canary 1.5.0: 1 host');
    expect(await page.locator('svg.bar rect').count()).toBe(7);
    const rows = page.getByRole('table').getByRole('row');
    expect(await rows.count()).toBe(51);
    expect(await rows.nth(1).innerText()).toMatch(/worse-1\s+failed/);
    expect((await rows.nth(2).innerText()).replace(/\s+/g, ' ')).toBe(
      `bad-1 rolled back app 1.3.0 rolled back from 1.4.0 for 10 min ${BAD_REASON} 10 min ago`,
    );
    expect((await rows.nth(4).innerText()).replace(/\s+/g, ' ')).toMatch(
      /^behind-1 behind app 1.3.0 behind 1.4.0 for 10 min/,
    );
  });

  it('is searched with a plain form, turned page by page, and leads to each host', async () => {
    const page = await visit(plain, origin);
    await page.getByRole('link', { name: 'Next' }).click();
    expect(await page.getByRole('table').getByRole('row').count()).toBe(18);
    await page.getByRole('searchbox', { name: 'Name' }).fill('BAD');
    await page.getByRole('combobox', { name: 'State' }).selectOption('rolled back');
    await page.getByRole('button', { name: 'Show' }).click();
    expect([new URL(page.url()).search, await page.getByRole('table').getByRole('row').count()]).toEqual([
      '?name=BAD&state=rolled-back&binary=',
      2,
    ]);
    await page.getByRole('link', { name: 'bad-1' }).click();
    expect(await page.title()).toBe('bad-1 – Fleet');
    const main = (await page.getByRole('main').innerText()).replace(/\s+/g, ' ');
    expect(main).toContain(`app 1.3.0 rolled back from 1.4.0 for 10 min ${BAD_REASON} sha256:${OLD}`);
    await page.getByRole('link', { name: 'Fleet' }).click();
    await page.getByRole('link', { name: '1 behind' }).last().click();
    expect(await page.getByRole('table').getByRole('rowheader').allInnerTexts()).toEqual(['behind-1']);
  });

  it('fits a phone without scrolling aside, in both colour schemes, with readable contrast', async () => {
    const page = await visit(plain, origin);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const url of [origin, `${origin}/hosts/id-bad-1`, `${hostileOrigin}/`]) {
        await page.goto(url);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect([url, colorScheme, width]).toEqual([url, colorScheme, 390]);
        for (const selector of ['body', '.soft', '.tone', 'a[href]']) {
          const colors = await page.evaluate<readonly string[]>(colorsOf(selector));
          expect([url, selector, contrast(colors) >= 4.5]).toEqual([url, selector, true]);
        }
      }
    }
  });

  it('shows whatever a host says as text, and runs none of it', async () => {
    const page = await visit(scripted, hostileOrigin);
    const troubles: string[] = [];
    page.on('console', (message) => troubles.push(message.text()));
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => troubles.push('a dialog')));
    page.on('request', (request) => troubles.push(request.url()));
    await page.reload();
    expect(troubles).toEqual([`${hostileOrigin}/`]);
    expect([await page.title(), await page.locator('main script, main style, main img, [onerror]').count()]).toEqual([
      `(${HOSTILE.length}) Fleet`,
      0,
    ]);
    const shown = await page.getByRole('table').getByRole('rowheader').allInnerTexts();
    const safe = (text: string) => text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '\uFFFD');
    expect([...shown].sort()).toEqual(HOSTILE.map(safe).sort());
    for (const link of await page.getByRole('rowheader').getByRole('link').all()) {
      const href = await link.getAttribute('href');
      const detail = await page.context().newPage();
      const answer = await detail.goto(`${hostileOrigin}${href}`);
      expect([href, answer?.status(), await detail.locator('script, main style, img').count()]).toEqual([href, 200, 0]);
      expect(await detail.title()).not.toBe('owned');
      await detail.close();
    }
  });

  it('explains to whoever sees no host how hosts come to be there', async () => {
    const empty = new FleetFolder();
    const app = empty.serve(await empty.open());
    const page = await visit(plain, await app.listen({ host: '127.0.0.1', port: 0 }));
    expect(await page.getByRole('main').innerText()).toContain('No host has reported yet');
    expect(await page.getByText('BIN_PROXY_REPORT').count()).toBe(1);
    await empty.remove();
  });
});

describe('the fleet page', () => {
  fleetTest('may load and run nothing, be framed by nobody, and is not kept', async ({ folder }) => {
    const app = folder.serve(await folder.open());
    for (const url of ['/', '/hosts/nobody']) {
      const { headers, body, statusCode } = await app.inject(url);
      expect([url, statusCode]).toEqual([url, url === '/' ? 200 : 404]);
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(body).not.toMatch(/<script| style="|(src|href)="https?:/);
    }
  });

  fleetTest('reflects no search but as text', async ({ folder }) => {
    const fleet: Fleet = await folder.open();
    const app = folder.serve(fleet);
    await post(app, '/keepalive', { node_id: 'n' });
    const query = new URLSearchParams({ name: '"><script>', binary: '<b>', version: "'<i>", state: '<u>', page: '-1' });
    const { body, statusCode } = await app.inject(`/?${query.toString()}`);
    expect([statusCode, body.match(/<script|<b>|<i>|<u>/g)]).toEqual([200, null]);
  });
});

/** WCAG 2.2, 1.4.3: of two colours as `rgb(r, g, b)`. */
function contrast(colors: readonly string[]): number {
  const [one = 0, other = 0] = colors.map((color) => {
    const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  });
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
