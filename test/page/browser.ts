/** A browser in which tests look at the page. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

/** Why these tests cannot run here; undefined where they can. */
export const whyNoBrowser =
  executable === undefined ? 'there is no /usr/bin/chromium; install the package chromium' : undefined;

/** Says once that tests are skipped. */
export function noteSkipped(): void {
  if (whyNoBrowser !== undefined) process.stderr.write(`skipped the tests of the page: ${whyNoBrowser}\n`);
}

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: executable!, args: ['--no-sandbox', '--js-flags=--expose-gc'] });

export interface Look {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
}

export interface Opened {
  readonly page: Page;
  /** Errors, and reports of what the content security policy refused. */
  readonly problems: string[];
  /** Every address that the page asked for. */
  readonly requests: string[];
}

export async function open(browser: Browser, url: string, look: Look): Promise<Opened> {
  const { width, height = 1_000, scheme = 'light' } = look;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  const [problems, requests]: string[][] = [[], []];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems!.push(message.text());
  });
  page.on('pageerror', (error) => problems!.push(error.message));
  page.on('dialog', (dialog) => {
    problems!.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests!.push(request.url()));
  await page.goto(url);
  await page.locator('html[data-ready]').waitFor();
  return { page, problems: problems!, requests: requests! };
}

/** Goes to another view of a page that is open, and waits until it is drawn. */
export async function show(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
  );
}

/** Keeps a picture where `LOCKSTEP_SCREENSHOTS` names a folder. */
export async function keepPicture(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.LOCKSTEP_SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds. The page refuses scripts of others, so the checker runs past its policy. */
export async function violations(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe });
  const expression = `axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>
    id + ': ' + nodes.map(({ html, failureSummary }) => html.slice(0, 160) + ' ' + failureSummary).join('; ')))`;
  const { result } = await session.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  return result.value as readonly string[];
}

export interface Tour {
  readonly browser: Browser;
  readonly address: string;
  /** By name, the part of the address that shows a view. */
  readonly views: Readonly<Record<string, string>>;
  /** Of the pictures that are kept. */
  readonly name: string;
  readonly isWholePage?: boolean;
}

/** Goes through all views, wide and narrow, light and dark: without an error, a request elsewhere or a part outside the screen. */
export async function expectSoundViews({ browser, address, views, name, isWholePage }: Tour): Promise<void> {
  const { page, problems, requests } = await open(browser, address, { width: 1_600 });
  for (const width of [1_600, 390]) {
    for (const scheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 1_000 });
      await page.emulateMedia({ colorScheme: scheme });
      for (const [view, hash] of Object.entries(views)) {
        await show(page, hash);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect([view, width, overflow]).toEqual([view, width, 0]);
        await keepPicture(page, `${name}-${view}-${width}-${scheme}`, isWholePage);
      }
    }
  }
  expect(problems).toEqual([]);
  const own = new URL('.', address).href;
  expect(requests.filter((url) => !url.startsWith(own) && !url.startsWith('data:'))).toEqual([]);
  await page.context().close();
}
