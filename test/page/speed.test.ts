/** How fast the page is with long and with many runs. Prints what it measures. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Page as Server, startPage } from '@lockstep/page';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keepPicture, launch, noteSkipped, open, show, whyNoBrowser } from './browser.ts';
import { makeRoot, makeRun } from './runs.ts';

noteSkipped();

const isRunning = () => false;
const metrics = ['loss', 'gradientNorm', 'accuracy', 'rate', 'penalty', 'entropy', 'margin', 'perplexity'];

const tell = (what: string): void => void process.stderr.write(`${what}\n`);
const rounded = (ms: number): string => `${Math.round(ms)} ms`;

describe.skipIf(whyNoBrowser !== undefined)('the page', { timeout: 600_000 }, () => {
  let root: string;
  let browser: Browser;
  let server: Server | undefined;
  beforeAll(async () => {
    root = await makeRoot();
    browser = await launch();
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await rm(root, { recursive: true, force: true });
  });

  /** From the beginning of the navigation until the charts are drawn. */
  const drawnAt = (page: Page): Promise<number> =>
    page.evaluate(`performance.getEntriesByName('drawn')[0].startTime`);

  /** Milliseconds between frames while the range of steps changes in each of them. */
  function zoomFrames(page: Page, from: number, to: number, frames: number): Promise<readonly number[]> {
    return page.evaluate(`new Promise((done) => {
      const times = [];
      let last = performance.now();
      const next = () => {
        const now = performance.now();
        times.push(now - last);
        last = now;
        if (times.length > ${frames}) return done(times.slice(1).sort((a, b) => a - b));
        const share = times.length / ${frames};
        const half = (${to} - ${from}) * (0.5 - 0.45 * share);
        const middle = ${from} + (${to} - ${from}) * (0.5 + 0.2 * share);
        location.hash = 'steps=' + Math.max(${from}, Math.round(middle - half)) + '-' + Math.round(middle + half);
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    })`);
  }

  it('draws eight curves of 100,000 points within a second, and zooms', async () => {
    const steps = 100_000;
    const folder = await makeRun(root, { id: '2026-11-30-digits-00aa', steps, metrics, workers: 1 });
    const begin = performance.now();
    server = await startPage({ paths: [folder], isRunning, port: 0 });
    const { length } = await (await fetch(new URL('data', server.address)))
      .arrayBuffer()
      .then((bytes) => new Uint8Array(bytes));
    tell(
      `100,000 steps: the server has read them after ${rounded(performance.now() - begin)}, and sends ${Math.round(length / 1024)} KiB`,
    );
    const { page, problems } = await open(browser, server.address, { width: 1_600 });
    const drawn = await drawnAt(page);
    const frames = await zoomFrames(page, 1, steps, 120);
    const [median, slow] = [frames[60]!, frames[114]!];
    tell(
      `drawn after ${rounded(drawn)}; a frame while zooming takes ${rounded(median)} in the median, ${rounded(slow)} in one of twenty`,
    );
    // What is between two thinned points comes from the server.
    await show(page, 'steps=50000-50100');
    const points = (): Promise<number> =>
      page.evaluate(
        `performance.getEntriesByType('resource').filter(({ name }) => name.includes('/window?')).length`,
      );
    await expect.poll(points).toBeGreaterThan(0);
    await keepPicture(page, 'speed-100000');
    expect(problems).toEqual([]);
    // A second on a machine that does nothing else.
    expect(drawn).toBeLessThan(3_000);
    await page.context().close();
  });

  it('shows 300 runs, sorts and filters them', async () => {
    const all = join(root, 'many');
    for (let i = 0; i < 300; i++) {
      const id = `2026-11-30-digits-${i.toString(16).padStart(4, '0')}`;
      await makeRun(all, {
        id,
        params: { rate: 0.002 * (1 + (i % 100)) },
        seed: 1 + Math.floor(i / 100),
        steps: 300,
      });
    }
    const begin = performance.now();
    server = await startPage({ paths: [all], isRunning, port: 0 });
    const { length } = await (await fetch(new URL('data', server.address)))
      .arrayBuffer()
      .then((bytes) => new Uint8Array(bytes));
    tell(
      `300 runs: the server has read them after ${rounded(performance.now() - begin)}, and sends ${Math.round(length / 1024)} KiB`,
    );
    const { page, problems } = await open(browser, server.address, { width: 1_600 });
    tell(`drawn after ${rounded(await drawnAt(page))}`);
    await keepPicture(page, 'speed-300-curves');
    const frames = await zoomFrames(page, 1, 300, 40);
    tell(`a frame while zooming takes ${rounded(frames[20]!)} in the median`);
    const took = async (what: string, action: () => Promise<unknown>): Promise<void> => {
      const from = performance.now();
      await action();
      tell(`${what} takes ${rounded(performance.now() - from)}`);
    };
    await took('the table of 300 runs', () => show(page, 'view=runs'));
    await keepPicture(page, 'speed-300-runs');
    expect(await page.locator('tbody tr').count()).toBe(300);
    await took('sorting', () => show(page, 'view=runs&sort=test%2Floss'));
    await took('filtering', () => show(page, 'view=runs&filter=rate%3C0.02'));
    expect(await page.locator('tbody tr').count()).toBe(27);
    await took('curves of 27 runs', () => show(page, 'filter=rate%3C0.02'));
    await took('means over seeds', () => show(page, 'filter=rate%3C0.02&seeds=band&smooth=20'));
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
