import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type PageData, unpack } from '@lockstep/view';
import { describe, expect, it } from 'vitest';
import { createTestFolder, finish } from './fixtures/folders.ts';
import { createReport } from './report.ts';

const isRunning = () => false;

function dataIn(html: string): PageData {
  const [, base64] = /<script id="data" type="application\/gzip">([^<]*)<\/script>/.exec(html)!;
  return unpack(gunzipSync(Buffer.from(base64!, 'base64'))) as PageData;
}

describe('a report', () => {
  it('has the runs, and nothing from anywhere else', async () => {
    const test = await createTestFolder();
    await finish(test, 20);
    const { html, numRuns, warnings } = await createReport({ paths: [test.folder], isRunning });
    await test.remove();
    expect([numRuns, warnings]).toEqual([1, []]);
    const [run] = dataIn(html).runs;
    expect(run!.facts.command).toBe('lockstep train digits.ts --set rate=0.1');
    expect(run!.progress).toMatchObject({ fingerprint: 'f20', fingerprintStep: 20 });
    expect([...run!.curves.loss!.curve.values]).toEqual(Array.from({ length: 20 }, (_, i) => 1 / (i + 1)));
    const markup = html.replace(/<script type="module">[\s\S]*?<\/script>/, '');
    const urls = [...markup.matchAll(/(?:\b(?:src|href)=|url\()["']?([^"')\s>]+)/g)].map(([, url]) => url!);
    expect(urls.filter((url) => !/^(data:|#)/.test(url))).toEqual([]);
  });

  it('allows its own script and style alone', async () => {
    const test = await createTestFolder();
    const { html } = await createReport({ paths: [test.folder], isRunning });
    await test.remove();
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(html)!;
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(html)!;
    for (const text of [script!, style!]) {
      expect(policy).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('keeps names that hold HTML as data', async () => {
    const name = '</script><script>alert(1)</script><img src=x onerror=alert(1)>';
    const test = await createTestFolder({ manifest: { name, config: { params: { [name]: name } } } });
    await test.append('metrics', { kind: 'step', step: 21, metrics: { [name]: 1 } });
    const { html } = await createReport({ paths: [test.folder], isRunning });
    await test.remove();
    expect(html).not.toContain('alert(1)');
    expect(dataIn(html).runs[0]!.facts.name).toBe(name);
  });

  it('says that there is nothing to report', async () => {
    const root = await mkdtemp(join(tmpdir(), 'lockstep-page-'));
    await expect(createReport({ paths: [root], isRunning })).rejects.toThrow(/there are no runs in/);
    await rm(root, { recursive: true });
    await expect(createReport({ paths: [root], isRunning })).rejects.toThrow(/does not exist; name a run/);
  });
});
