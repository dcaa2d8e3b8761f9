/** A run of the real command, watched while it trains. */
import { once } from 'node:events';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPage } from '@lockstep/page';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand } from '../cluster/harness/command.ts';
import { keepPicture, launch, noteSkipped, open, whyNoBrowser } from './browser.ts';
import { makeRun, stepLines } from './runs.ts';

noteSkipped();

describe.skipIf(whyNoBrowser !== undefined)('a run that trains', { timeout: 240_000 }, () => {
  let root: string;
  let browser: Browser;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lockstep-page-'));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(root, { recursive: true, force: true });
  });

  const figure = (name: string): string => `.figures [data-figure="${name}"] dd`;

  it('is shown as it goes on, through the loss of a worker, to its end', async () => {
    const options = ['--workers', '2', '--threads', '1', '--limit-samples', '8000', '--epochs', '3'];
    const command = startCommand([
      ...['train', 'experiments/mnist-cnn.ts', ...options, '--page', '0', '--run-root', root, '--json'],
    ]);
    const { address } = await command.event('page');
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { page, problems } = await open(browser, `${address}`, { width: 1_600 });
    const steps = async (): Promise<number> =>
      Number.parseInt((await page.locator(figure('steps')).textContent()) ?? '', 10);
    await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(3);
    const before = await steps();
    expect(await page.locator(figure('status')).textContent()).toBe('running');
    expect(await page.locator('.link').textContent()).toBe('live');
    await keepPicture(page, 'live');
    const { pid } = await command.event('joined', 2);
    process.kill(Number(pid), 'SIGKILL');
    await command.event('lost');
    await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(before + 5);
    await page.getByRole('link', { name: 'Members' }).click();
    await expect.poll(() => page.locator('path.loss').count(), { timeout: 30_000 }).toBe(1);
    const { fingerprint } = await command.event('done');
    expect(await command.exited).toBe(0);
    await expect
      .poll(() => page.locator(figure('status')).textContent(), { timeout: 30_000 })
      .toMatch(/^finished/);
    const shown = (await page.locator(figure('fingerprint')).textContent()) ?? '';
    expect(shown.startsWith(`${fingerprint}`.slice(0, 8))).toBe(true);
    await expect
      .poll(() => page.locator('.link').textContent())
      .toBe('no longer served; what was read stays');
    expect(problems.filter((problem) => !/ERR_CONNECTION_REFUSED/.test(problem))).toEqual([]);
  });

  it('goes on in a browser that lost its connection, without reading everything again', async () => {
    const run = { id: '2026-11-30-digits-00cc', steps: 40, totalSteps: 100, isFinished: false };
    const folder = await makeRun(root, run);
    const server = await startPage({ paths: [folder], isRunning: () => true, port: 0, intervalMs: 20 });
    const link = await createCutLink(server.port);
    const { page, requests } = await open(browser, `http://127.0.0.1:${link.port}/`, { width: 1_200 });
    const steps = (): Promise<string | null> => page.locator(figure('steps')).textContent();
    const add = (step: number): Promise<void> =>
      appendFile(join(folder, 'metrics.jsonl'), stepLines(run, step));
    await add(41);
    await expect.poll(steps).toBe('41 of 100');
    link.cut();
    await expect.poll(() => page.locator('.link').textContent()).toBe('connection lost, trying again');
    await add(42);
    link.mend();
    await expect.poll(steps, { timeout: 20_000 }).toBe('42 of 100');
    expect(await page.locator('.link').textContent()).toBe('live');
    expect(requests.filter((url) => url.endsWith('/data')).length).toBe(1);
    await page.context().close();
    link.close();
    await server.close();
  });

  it('is followed again where another process serves it later', async () => {
    const run = { id: '2026-11-30-digits-00dd', steps: 40, totalSteps: 100, isFinished: false };
    const folder = await makeRun(root, run);
    const serve = (port: number) =>
      startPage({ paths: [folder], isRunning: () => true, port, intervalMs: 20 });
    const first = await serve(0);
    const { page } = await open(browser, first.address, { width: 1_200 });
    await expect.poll(() => page.locator('.link').textContent()).toBe('live');
    await first.close();
    await expect.poll(() => page.locator('.link').textContent()).toMatch(/^no longer served/);
    await appendFile(join(folder, 'metrics.jsonl'), stepLines(run, 41));
    const second = await serve(first.port);
    await expect
      .poll(() => page.locator(figure('steps')).textContent(), { timeout: 30_000 })
      .toBe('41 of 100');
    expect(await page.locator('.link').textContent()).toBe('live');
    await page.context().close();
    await second.close();
  });
});

/** A port that leads to another one and can be cut. */
async function createCutLink(target: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      isCut = false;
    },
    close: () => server.close(),
  };
}
