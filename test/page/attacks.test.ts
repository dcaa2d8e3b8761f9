/** What a hostile site, a hostile name and somebody without the token get in a browser. */
import { rm } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Page as Server, startPage } from '@lockstep/page';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executable, launch, noteSkipped, open, show, whyNoBrowser } from './browser.ts';
import { makeRoot, makeRun } from './runs.ts';

noteSkipped();

const isRunning = () => false;

/** Names that would run if the page made HTML of them. */
const payloads = [
  '<img src=x onerror=globalThis.broken=1>',
  '</script><script>globalThis.broken=1</script>',
  '"><svg onload=globalThis.broken=1>',
  "javascript:globalThis.broken=1//'",
];

describe.skipIf(whyNoBrowser !== undefined)('the page', { timeout: 120_000 }, () => {
  let root: string;
  let folder: string;
  let browser: Browser;
  let server: Server | undefined;
  let evil: HttpServer | undefined;

  beforeAll(async () => {
    root = await makeRoot();
    const [image, script, vector, address] = payloads as [string, string, string, string];
    folder = await makeRun(root, {
      ...{ id: '2026-11-30-<img src=x onerror=broken=1>-00aa', name: `${image}${script}`, steps: 60 },
      ...{ params: { [vector]: script, rate: 0.1 }, metrics: ['loss', image, `${vector}/loss`, address] },
    });
    await makeRun(root, { id: '2026-11-30-digits-00bb', name: vector, seed: 2, steps: 60 });
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    evil?.close();
    await rm(root, { recursive: true, force: true });
  });

  const start = async (options: { readonly token?: string } = {}): Promise<Server> => {
    await server?.close();
    server = await startPage({ paths: [root], isRunning, port: 0, ...options });
    return server;
  };

  it('shows names that hold HTML as text', async () => {
    const { address } = await start();
    const { page, problems } = await open(browser, address, { width: 1_200 });
    for (const hash of [
      '',
      'view=runs',
      'view=workers',
      'view=members',
      'view=run',
      `view=run&run=${payloads[0]}`,
    ]) {
      await show(page, hash);
      expect(
        await page.evaluate('document.querySelectorAll("img, iframe, object, main script").length'),
      ).toBe(0);
    }
    await show(
      page,
      `view=runs&filter=${encodeURIComponent(payloads[1]!)}&sort=${encodeURIComponent(payloads[2]!)}`,
    );
    expect(await page.evaluate('globalThis.broken')).toBeUndefined();
    expect(await page.locator('body').textContent()).toContain('onerror');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('is closed to the scripts, frames and requests of another site', async () => {
    const { port } = await start();
    // To a browser 127.0.0.1 is another site than localhost.
    evil = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>evil</title>');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => evil!.once('listening', resolve));
    const { port: evilPort } = evil.address() as AddressInfo;
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${evilPort}/`);
    const target = `http://localhost:${port}`;
    const seen = await page.evaluate(`(async () => {
      const loaded = (tag, name, url) => new Promise((done) => {
        const element = document.createElement(tag);
        element.onload = () => done('loaded');
        element.onerror = () => done('refused');
        element[name] = url;
        document.body.append(element);
      });
      const asked = (options) => fetch('${target}/data', options).then(({ status }) => status, () => 'refused');
      const frame = document.createElement('iframe');
      frame.src = '${target}/';
      document.body.append(frame);
      await new Promise((done) => { frame.onload = done; });
      return {
        fetch: await asked({ credentials: 'include' }),
        opaque: await asked({ mode: 'no-cors' }),
        post: await asked({ method: 'POST', body: 'x' }),
        script: await loaded('script', 'src', '${target}/page.js'),
        image: await loaded('img', 'src', '${target}/data'),
        events: await new Promise((done) => {
          const events = new EventSource('${target}/changes');
          events.onopen = () => done('open');
          events.onerror = () => done('refused');
        }),
        frame: (() => { try { return frame.contentDocument?.title ?? 'closed'; } catch { return 'closed'; } })(),
      };
    })()`);
    const refused = {
      fetch: 'refused',
      opaque: 'refused',
      post: 'refused',
      script: 'refused',
      image: 'refused',
    };
    expect(seen).toEqual({ ...refused, events: 'refused', frame: 'closed' });
    await page.close();
  });

  it('is closed to a name that leads here', async () => {
    const { port } = await start();
    const rebound = await chromium.launch({
      executablePath: executable!,
      args: ['--no-sandbox', '--host-resolver-rules=MAP evil.example 127.0.0.1'],
    });
    try {
      const page = await rebound.newPage();
      const answer = await page.goto(`http://evil.example:${port}/`);
      expect(answer!.status()).toBe(421);
      const status = await page.evaluate(`fetch('/data').then(({ status }) => status)`);
      expect(status).toBe(421);
      // The name does lead here: without the check the page would be read.
      expect(await answer!.text()).toContain('not served under that name');
    } finally {
      await rebound.close();
    }
  });

  it('opens with a token once, which then is neither in the address nor in a script’s reach', async () => {
    const { address, port } = await start({ token: 'correct-horse-battery' });
    expect(address).toContain('?token=correct-horse-battery');
    const { page, problems } = await open(browser, `${address}#view=runs`, { width: 1_200 });
    expect(page.url()).toBe(`http://127.0.0.1:${port}/#view=runs`);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(
      await page.evaluate('JSON.stringify(performance.getEntries().map(({ name }) => name))'),
    ).not.toContain('horse');
    await page.reload();
    await page.locator('html[data-ready]').waitFor();
    expect(problems).toEqual([]);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(cookie!.value).not.toContain('horse');
    await page.context().close();
    const stranger = await browser.newPage();
    const answer = await stranger.goto(`http://127.0.0.1:${port}/`);
    expect(answer!.status()).toBe(401);
    expect(await stranger.locator('body').textContent()).not.toContain('digits');
    await stranger.close();
  });

  it('has no path to the files of a run', async () => {
    const { port } = await start();
    for (const path of [
      'manifest.json',
      `${folder}/manifest.json`,
      '%2e%2e/%2e%2e/etc/passwd',
      'page.js%00.html',
    ]) {
      const { status } = await fetch(`http://127.0.0.1:${port}/${path}`);
      expect([400, 404]).toContain(status);
    }
  });
});
