/** The views of sweeps, served and as a file, live, light and dark, on wide and narrow screens. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createReport, type Page as Server, startPage } from '@lockstep/page';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectSoundViews,
  keepPicture,
  launch,
  noteSkipped,
  open,
  show,
  violations,
  whyNoBrowser,
} from './browser.ts';
import { makeRoot } from './runs.ts';
import { beginTrial, endTrial, type MadeSweep, makeSweep, type Params, paramsOf } from './sweeps.ts';

noteSkipped();

const views = {
  sweep: '',
  brushed: 'brush=0.01..0.1+rate&brush=%5B%22mlp%22%5D+head&scale=log',
  trial: 'trial=7',
  trials: 'view=trials&by=validation%2Floss',
  filtered: 'view=trials&trials=status%3Dfinished%2Crate%3E0.01',
  curves: 'view=curves&filter=trial%3D3',
};

const isRunning = () => false;
const themes = ['light', 'dark'] as const;

/** How many of the 48 trials meet a condition. */
const numWith = (condition: (params: Params) => boolean): number =>
  Array.from({ length: 48 }, (_, trial) => paramsOf(trial)).filter(condition).length;

const isFast = ({ rate }: Params): boolean => Number(rate) >= 0.01;

describe.skipIf(whyNoBrowser !== undefined)('the page of a sweep', { timeout: 180_000 }, () => {
  let root: string;
  let browser: Browser;
  let server: Server;
  let file: string;

  beforeAll(async () => {
    root = await makeRoot();
    const folder = await makeSweep(join(root, 'ended'), { id: '2026-11-30-digits-00aa' });
    browser = await launch();
    server = await startPage({ paths: [folder], isRunning, port: 0 });
    const path = join(root, 'sweep.html');
    const { html, numSweeps, numRuns } = await createReport({ paths: [folder], isRunning });
    expect([numSweeps, numRuns]).toEqual([1, 96]);
    await writeFile(path, html);
    file = pathToFileURL(path).href;
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(root, { recursive: true, force: true });
  });

  it.each(['served', 'as a file'])(
    'shows every view without an error or a part outside the screen: %s',
    async (how) => {
      const address = how === 'served' ? server.address : file;
      const name = `sweep-${how.replaceAll(' ', '-')}`;
      await expectSoundViews({ browser, address, views, name, isWholePage: true });
    },
  );

  it.each(themes)('is accessible in every view: %s', async (scheme) => {
    for (const width of [1_200, 390]) {
      const { page } = await open(browser, file, { width, scheme });
      for (const hash of Object.values(views)) {
        await show(page, hash);
        expect(await violations(page)).toEqual([]);
      }
      await page.context().close();
    }
  });

  const chosen = (page: Page): Promise<string | null> =>
    page.getByRole('status').filter({ hasText: 'chosen' }).textContent();

  it('chooses trials by keys, and keeps them in the address', async () => {
    const { page } = await open(browser, server.address, { width: 1_600 });
    const from = page.getByRole('slider', { name: 'rate, from' });
    await from.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('PageUp');
    expect(Number(await from.getAttribute('aria-valuenow'))).toBeCloseTo(0.01, 6);
    await expect.poll(() => page.url()).toMatch(/#brush=0\.01\.\.\+rate$/);
    expect(await chosen(page)).toBe(`${numWith(isFast)} of 48 trials chosen`);
    await page.getByRole('checkbox', { name: 'head mlp' }).press('Enter');
    const both = `${numWith((params) => isFast(params) && params.head === 'mlp')} of 48 trials chosen`;
    await expect.poll(() => chosen(page)).toBe(both);
    await page.reload();
    await page.locator('html[data-ready]').waitFor();
    expect(await chosen(page)).toBe(both);
    await page.getByRole('slider', { name: 'rate, from' }).press('Escape');
    await page.getByRole('checkbox', { name: 'head mlp' }).press('Enter');
    await expect.poll(() => page.url()).toMatch(/#$/);
    await page.context().close();
  });

  it('chooses trials by dragging along an axis, and none where it is only touched', async () => {
    const { page } = await open(browser, server.address, { width: 1_600 });
    const axis = page.locator('.axis').filter({ has: page.getByRole('slider', { name: 'momentum, from' }) });
    await axis.scrollIntoViewIfNeeded();
    const box = (await axis.locator('.axis-line').boundingBox())!;
    const at = (share: number): [number, number] => [box.x + box.width / 2, box.y + box.height * (1 - share)];
    await page.mouse.move(...at(0.25));
    await page.mouse.down();
    await page.mouse.move(...at(0.5), { steps: 5 });
    expect(page.url()).toMatch(/\/$|#$/);
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/#brush=0\.2\d+\.\.0\.4\d+\+momentum$/);
    const [, low, high] = /brush=([\d.]+)\.\.([\d.]+)\+/.exec(page.url())!.map(Number);
    const inside = numWith(({ momentum }) => Number(momentum) >= low! && Number(momentum) <= high!);
    expect(inside).toBeGreaterThan(5);
    expect(await page.locator('.coordinate:not(.out)').count()).toBe(inside);
    expect(await page.locator('.coordinate.out').count()).toBe(48 - inside);
    await page.mouse.move(...at(0.8));
    await page.mouse.down();
    await page.mouse.up();
    await expect.poll(() => page.locator('.coordinate.out').count()).toBe(0);
    await page.context().close();
  });

  it('shows a trial that is chosen in a drawing, and the curves of its runs', async () => {
    const { page } = await open(browser, server.address, { width: 1_600 });
    const history = page.getByRole('application', { name: /^History/ });
    await history.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.trial-card h3').textContent()).toBe('Trial 1');
    expect(await page.locator('.unseen[aria-live]').first().textContent()).toMatch(/^trial 1, finished, /);
    await page.getByRole('link', { name: 'Curves of this trial' }).click();
    await expect.poll(() => page.url()).toContain('view=curves');
    await expect.poll(() => page.locator('.legend button').count()).toBe(2);
    await page.goBack();
    await page.getByRole('link', { name: 'seed 2' }).click();
    await expect.poll(() => page.locator('.command code').textContent()).toContain('--seed 2');
    await page.context().close();
  });

  it('filters and sorts the table of trials', async () => {
    const { page } = await open(browser, `${server.address}#view=trials`, { width: 1_600 });
    const rows = page.locator('tbody tr');
    expect(await rows.count()).toBe(48);
    await page.getByRole('searchbox').fill('status=failed');
    await expect.poll(() => rows.count()).toBe(4);
    await page.getByRole('searchbox').fill('head=mlp,rate>=0.01');
    await page.getByRole('button', { name: 'validation/loss' }).click();
    const losses = async () =>
      (await page.locator('td[data-key="validation/loss"]').allTextContents()).map(Number);
    await expect
      .poll(async () => (await losses()).length)
      .toBe(numWith((params) => isFast(params) && params.head === 'mlp'));
    const known = (await losses()).filter((loss) => !Number.isNaN(loss));
    expect(known).toEqual(known.toSorted((a, b) => a - b));
    await page.getByRole('searchbox').fill('status=done');
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/no trial has the status 'done'/);
    await page.context().close();
  });

  it('shows rungs and objectives against each other', async () => {
    const made: MadeSweep = { id: '2026-11-30-digits-00dd', trials: 32, isHalved: true };
    const folder = await makeSweep(join(root, 'halved'), made);
    const path = join(root, 'halved.html');
    await writeFile(path, (await createReport({ paths: [folder], isRunning })).html);
    const { page, problems } = await open(browser, pathToFileURL(path).href, { width: 1_600 });
    const rungs = page.getByRole('application', { name: /^Values at rungs/ });
    expect(await rungs.locator('.line-rung').count()).toBe(4);
    expect(await rungs.locator('.note').first().textContent()).toMatch(/^\d+ trials, \d+ stopped$/);
    const front = page.getByRole('application', { name: /^parameters by validation\/loss/ });
    expect(await front.locator('.line-front').count()).toBe(1);
    expect(await front.getAttribute('aria-label')).toMatch(/trials are beaten by no other one/);
    expect(problems).toEqual([]);
    await page.context().close();
    for (const scheme of themes) {
      const { page: other } = await open(browser, pathToFileURL(path).href, { width: 1_600, scheme });
      expect(await violations(other)).toEqual([]);
      await keepPicture(other, `sweep-halved-1600-${scheme}`, true);
      await other.context().close();
    }
  });

  it('follows a sweep that goes on, without reading everything again', async () => {
    const made: MadeSweep = { id: '2026-11-30-digits-00bb', trials: 12, recorded: 6 };
    const folder = await makeSweep(join(root, 'live'), made);
    let isTrained = true;
    const live = await startPage({ paths: [folder], isRunning: () => isTrained, port: 0, intervalMs: 20 });
    const { page, problems, requests } = await open(browser, live.address, { width: 1_600 });
    const figure = (name: string) => page.locator(`.figures [data-figure="${name}"] dd`).textContent();
    expect(await figure('trials')).toMatch(/^6 of 12/);
    expect(await page.locator('.link').textContent()).toBe('live');
    await keepPicture(page, 'sweep-live');
    await endTrial(folder, made, 6);
    await expect.poll(() => figure('trials')).toMatch(/^7 of 12/);
    for (const trial of [8, 9, 10, 11]) await beginTrial(folder, made, trial);
    await expect.poll(() => page.locator('.trial .glyph-running').count()).toBeGreaterThan(4);
    for (const trial of [7, 8, 9, 10, 11]) await endTrial(folder, made, trial);
    await writeFile(join(folder, 'table.jsonl'), '{}\n');
    isTrained = false;
    await expect.poll(() => figure('status')).toBe('finished');
    await expect.poll(() => figure('table')).toMatch(/^ca3d163b/);
    await show(page, 'view=curves&filter=trial%3D11');
    await expect.poll(() => page.locator('.legend button').count()).toBe(2);
    expect(requests.filter((url) => url.endsWith('/data')).length).toBe(1);
    expect(problems).toEqual([]);
    await page.context().close();
    await live.close();
  });

  it('shows names and values that hold HTML as text', async () => {
    const names = {
      rate: '<img src=x onerror=globalThis.broken=1>',
      option: '</script><svg onload=globalThis.broken=1>',
    };
    const made: MadeSweep = { id: '2026-11-30-<b onclick=broken=1>-00cc', trials: 4, names };
    const folder = await makeSweep(join(root, 'hostile'), {
      ...made,
      name: '"><script>globalThis.broken=1</script>',
    });
    const path = join(root, 'hostile.html');
    await writeFile(path, (await createReport({ paths: [folder], isRunning })).html);
    const { page, problems } = await open(browser, pathToFileURL(path).href, { width: 1_200 });
    const brush = encodeURIComponent(`["${names.option}"] ${names.rate}`);
    for (const hash of [
      '',
      `brush=${brush}`,
      'view=trials',
      `view=trials&trials=${brush}&by=${brush}`,
      'view=curves',
    ]) {
      await show(page, hash);
      expect(
        await page.evaluate('document.querySelectorAll("img, iframe, object, main script").length'),
      ).toBe(0);
    }
    expect(await page.locator('body').textContent()).toContain('onerror');
    expect(await page.evaluate('globalThis.broken')).toBeUndefined();
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
