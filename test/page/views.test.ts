/** Every view, served and as a file, light and dark, on wide and narrow screens. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createReport, type Page as Server, startPage } from '@lockstep/page';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSoundViews, launch, noteSkipped, open, show, violations, whyNoBrowser } from './browser.ts';
import { makeGrid, makeRoot, makeRun } from './runs.ts';

noteSkipped();

const views = {
  curves: '',
  smooth: 'smooth=50&scale=log',
  seeds: 'smooth=20&seeds=band',
  zoom: 'steps=100-300',
  histograms: 'view=histograms',
  gradients: 'view=histograms&of=gradients',
  runs: 'view=runs&sort=test%2Floss',
  workers: 'view=workers',
  members: 'view=members',
  record: 'view=run',
};

const isRunning = () => false;
const themes = ['light', 'dark'] as const;

describe.skipIf(whyNoBrowser !== undefined)('the page', { timeout: 180_000 }, () => {
  let root: string;
  let browser: Browser;
  const servers: Server[] = [];
  const addresses = new Map<string, string>();

  beforeAll(async () => {
    root = await makeRoot();
    const single = await makeRun(join(root, 'one'), {
      ...{
        id: '2026-11-30-digits-00aa',
        params: { rate: 0.05, width: 64 },
        steps: 600,
        workers: 3,
        lossAt: 240,
        hasHistograms: true,
      },
    });
    await makeGrid(join(root, 'many'));
    browser = await launch();
    for (const [name, path] of Object.entries({ one: single, many: join(root, 'many') })) {
      const server = await startPage({ paths: [path], isRunning, port: 0 });
      servers.push(server);
      const file = join(root, `${name}.html`);
      await writeFile(file, (await createReport({ paths: [path], isRunning })).html);
      addresses.set(`${name} served`, server.address).set(`${name} as a file`, pathToFileURL(file).href);
    }
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
    await rm(root, { recursive: true, force: true });
  });

  for (const what of ['one served', 'one as a file', 'many served', 'many as a file']) {
    it(`shows every view of ${what}, without an error, a request elsewhere or a part outside the screen`, async () => {
      const address = addresses.get(what)!;
      await expectSoundViews({ browser, address, views, name: what.replaceAll(' ', '-') });
    });
  }

  it.each(['one as a file', 'many as a file'])('is accessible in every view: %s', async (what) => {
    for (const scheme of themes) {
      const { page } = await open(browser, addresses.get(what)!, { width: 1_200, scheme });
      for (const hash of Object.values(views)) {
        await show(page, hash);
        expect(await violations(page)).toEqual([]);
      }
      await page.context().close();
    }
  });

  it('would not pass with text that is hard to read', async () => {
    const { page } = await open(browser, addresses.get('one as a file')!, { width: 1_200 });
    await page.evaluate(`document.querySelector('h1').style.color = 'rgb(220, 220, 220)'`);
    expect((await violations(page)).join()).toContain('color-contrast');
    await page.context().close();
  });

  it('draws curves: pixels of the run’s colour, in both themes', async () => {
    for (const scheme of themes) {
      const { page } = await open(browser, addresses.get('one as a file')!, { width: 1_600, scheme });
      const share = await page.evaluate(`(() => {
        const canvas = document.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let coloured = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] > 200 && data[i + 1] - data[i] > 60 && data[i + 2] > data[i]) coloured++;
        }
        return coloured / (data.length / 4);
      })()`);
      expect(share).toBeGreaterThan(0.002);
      await page.context().close();
    }
  });

  it('is worked by keys alone, and keeps what is shown in the address', async () => {
    const { page } = await open(browser, addresses.get('one served')!, { width: 1_200 });
    const chart = page.locator('.plot').first();
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await expect
      .poll(() => page.locator('.unseen[aria-live]').textContent())
      .toMatch(/^step \d+: 0\.\d+|^step \d+: 1\.\d+/);
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/#steps=\d+(\.\d)?-\d+(\.\d)?$/);
    await page.keyboard.press('0');
    await expect.poll(() => page.url()).toMatch(/#$/);
    await page.getByRole('button', { name: 'Log scale' }).press('Enter');
    await page.getByRole('slider', { name: 'Smoothing' }).press('ArrowRight');
    await page.getByRole('link', { name: 'Workers' }).press('Enter');
    await expect.poll(() => page.url()).toMatch(/#view=workers&smooth=2&scale=log$/);
    await page.goBack();
    await expect
      .poll(() => page.getByRole('button', { name: 'Log scale' }).getAttribute('aria-pressed'))
      .toBe('true');
    await page.context().close();
  });

  it('reads histograms by keys', async () => {
    const { page } = await open(browser, `${addresses.get('one as a file')!}#view=histograms`, {
      width: 1_600,
    });
    const heat = page.locator('.heat').first();
    await heat.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('.heat-reading').first().textContent()).toMatch(/^step 10: median /);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.heat-reading').first().textContent()).toMatch(/^step 20: /);
    expect(await page.locator('.heat').count()).toBe(4);
    await page.getByRole('button', { name: 'Updates' }).click();
    await expect.poll(() => page.url()).toMatch(/#view=histograms&of=updates$/);
    await page.context().close();
  });

  it('filters, sorts and chooses runs', async () => {
    const { page } = await open(browser, `${addresses.get('many served')}#view=runs`, { width: 1_600 });
    const rows = page.locator('tbody tr');
    expect(await rows.count()).toBe(9);
    await page.getByRole('searchbox').fill('rate>0.01,seed!=2');
    await expect.poll(() => rows.count()).toBe(4);
    await page.getByRole('button', { name: 'test/loss' }).click();
    await page.getByRole('button', { name: 'test/loss' }).click();
    await expect.poll(() => page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
    const losses = await page.locator('td[data-key="test/loss"]').allTextContents();
    expect(losses.map(Number)).toEqual(losses.map(Number).sort((a, b) => b - a));
    await page.getByRole('checkbox').first().uncheck();
    await expect
      .poll(() => page.getByRole('status').filter({ hasText: 'drawn' }).textContent())
      .toBe('4 of 9 runs, 3 drawn');
    await page.getByRole('searchbox').fill('rato>1');
    await expect
      .poll(() => page.getByRole('alert').textContent())
      .toMatch(/no run has 'rato'; did you mean rate/);
    await page.context().close();
  });
});
