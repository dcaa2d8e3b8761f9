import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRunMetrics, type RunMetrics } from '@lockstep/coordinator';
import type { Page } from '@lockstep/page';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monitoringRoutes } from './monitoring.ts';
import { servePage } from './page.ts';

let folder: string;
let page: Page;
let metrics: RunMetrics;
const token = '0123456789abcdef';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-monitoring-'));
  const built = { version: '0.1.0', build: 'b' };
  metrics = await openRunMetrics({ folder, experiment: 'digits', ...built, batchSize: 8, numShards: 2 });
  page = await servePage([folder], { host: '0.0.0.0', port: 0, token }, await monitoringRoutes(metrics));
});
afterEach(async () => {
  await page.close();
  rmSync(folder, { recursive: true });
});

const ask = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${page.port}${path}`, { headers });

describe('what the address of a page answers to monitoring', () => {
  it('is metrics for who knows the token', async () => {
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/metrics', { authorization: 'Bearer another-token' })).status).toBe(401);
    const answer = await ask('/metrics', { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Apart from what the process has used meanwhile.
    const ofRun = (text: string) => text.split('\n').filter((line) => !line.startsWith('process_'));
    expect(ofRun(await answer.text())).toEqual(ofRun(metrics.text()));
  });

  it('is the state of the run for everybody, in one sentence', async () => {
    expect(await (await ask('/healthz')).text()).toBe('ok\n');
    const waiting = await ask('/readyz');
    expect([waiting.status, await waiting.text()]).toEqual([503, 'the run waits for workers\n']);
    metrics.see({
      type: 'event',
      event: { type: 'generation', generation: 1, step: 0, source: 'init', workers: ['a'], profile: 'fma' },
    });
    const trains = await ask('/readyz');
    expect([trains.status, await trains.text()]).toEqual([200, 'steps are computed\n']);
  });
});
