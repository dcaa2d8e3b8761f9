/** A browser in which tests look at the page. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

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
