import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRun } from '@lockstep/records';
import type { RunDelta, RunView } from '@lockstep/view';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, finish, stepLines, type TestFolder, timeAt } from '../fixtures/folders.ts';
import { FollowedRun } from './followed-run.ts';

let test: TestFolder;
beforeEach(async () => {
  test = await createTestFolder();
});
afterEach(() => test.remove());

const everything = { curveColumns: 1_000, workColumns: 100, histogramSteps: 100 };
let isTrained = true;
const open = (): Promise<FollowedRun> =>
  FollowedRun.open({ folder: test.folder }, { isRunning: () => isTrained });

beforeEach(() => {
  isTrained = true;
});

function deltaOf(change: Awaited<ReturnType<FollowedRun['poll']>>): RunDelta {
  if (typeof change === 'string') throw new Error(`no change, but ${change}`);
  return change;
}

/** Everything that does not depend on when the folder was read. */
const contentsOf = ({ curves, workers, progress, timeline }: RunView) => ({
  curves,
  workers,
  progress,
  timeline,
});

describe('a followed run', () => {
  it('shows what the record of the folder says', async () => {
    await finish(test, 20);
    isTrained = false;
    const { facts, progress, curves } = (await open()).view(everything);
    const record = await readRun(test.folder, { isRunning: () => false });
    expect(facts).toMatchObject({
      id: record.id,
      name: 'digits',
      seed: 7,
      params: { rate: 0.1 },
      data: 'd1',
    });
    expect(facts.command).toBe('lockstep train digits.ts --set rate=0.1');
    expect(facts.machine).toBe('Xeon, 2 cores, 8 GiB of memory');
    expect(progress).toMatchObject({ status: 'finished', steps: 20, totalSteps: 100, durationMs: 8_000 });
    expect(progress).toMatchObject({ fingerprint: 'f20', fingerprintStep: 20, chain: 'c20' });
    for (const name of ['loss', 'gradientNorm', 'test/loss']) {
      expect([...curves[name]!.curve.steps]).toEqual(record.curves[name]!.steps);
      expect([...curves[name]!.curve.values]).toEqual(record.curves[name]!.values);
    }
    expect(progress.metrics.loss).toEqual({ last: 1 / 20, lastStep: 20, best: 1 / 20, bestStep: 20 });
  });

  it('has samples per second of the slowest member, once a step is complete', async () => {
    const run = await open();
    const before = run.view(everything).curves['samples/second']!.curve;
    expect([...before.steps]).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
    expect(before.values[0]).toBeCloseTo((32 / 11) * 1_000);
    isTrained = false;
    const change = deltaOf(await run.poll(0));
    expect(change.progress!.status).toBe('interrupted');
    expect(run.view(everything).curves['samples/second']!.curve.steps.at(-1)).toBe(20);
  });

  it('passes on what was added, and nothing twice', async () => {
    const run = await open();
    expect(await run.poll(3)).toBe('same');
    await test.append('metrics', ...stepLines(21));
    const delta = deltaOf(await run.poll(3));
    expect(delta).toMatchObject({ run: 3, progress: { steps: 21 } });
    expect(delta.curves!.loss).toEqual({ kind: 'step', steps: [21], values: [1 / 21] });
    expect(delta.workers!.map(({ worker, work }) => [worker, [...work.columns], [...work.stepMs]])).toEqual([
      ['w0', [21], [10]],
      ['w1', [21], [11]],
    ]);
    expect(delta.timeline).toBeUndefined();
    expect(await run.poll(3)).toBe('same');
  });

  it('reads half a line when the rest of it is there', async () => {
    const run = await open();
    const [, , line] = stepLines(21);
    const text = `${JSON.stringify(line)}\n`;
    await appendFile(join(test.folder, 'metrics.jsonl'), text.slice(0, 30));
    expect(await run.poll(0)).toBe('same');
    await appendFile(join(test.folder, 'metrics.jsonl'), text.slice(30));
    expect(deltaOf(await run.poll(0)).curves!.loss!.steps).toEqual([21]);
  });

  it('is the same, read at once or as it grew', async () => {
    const grown = await open();
    for (let step = 21; step <= 60; step += 3) {
      await test.append('metrics', ...[step, step + 1, step + 2].flatMap((at) => stepLines(at)));
      await grown.poll(0);
    }
    await test.append('events', { time: timeAt(5), type: 'lost', worker: 'w1', reason: 'silent' });
    await finish(test, 62);
    isTrained = false;
    await grown.poll(0);
    expect(contentsOf(grown.view(everything))).toEqual(contentsOf((await open()).view(everything)));
  });

  it('begins again where a file was cut back or replaced', async () => {
    const run = await open();
    await writeFile(
      join(test.folder, 'metrics.jsonl'),
      stepLines(1)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    expect(await run.poll(0)).toBe('revised');
    expect([...run.view(everything).curves.loss!.curve.steps]).toEqual([1]);
  });

  it('drops what a change of the length takes back', async () => {
    await finish(test, 20);
    const run = await open();
    expect(run.view(everything).curves['test/loss']!.curve.steps.length).toBe(1);
    await test.append('metrics', { kind: 'lengthChanged', step: 15 }, ...stepLines(16));
    expect(await run.poll(0)).toBe('revised');
    const { curves } = run.view(everything);
    expect(curves.loss!.curve.steps.at(-1)).toBe(16);
    expect(curves['test/loss']!.curve.steps.length).toBe(0);
    const record = await readRun(test.folder);
    expect([...curves.loss!.curve.values]).toEqual(record.curves.loss!.values);
  });

  it('keeps a loss that is not finite', async () => {
    await test.append('metrics', {
      kind: 'step',
      step: 21,
      metrics: { loss: 'NaN' },
      chain: '',
      totalSteps: 100,
    });
    const { curves, progress } = (await open()).view(everything);
    expect(curves.loss!.curve.values.at(-1)).toBeNaN();
    expect(progress.metrics.loss).toMatchObject({ last: Number.NaN, bestStep: 20 });
  });

  it('tells damaged lines, and reads the others', async () => {
    await appendFile(join(test.folder, 'metrics.jsonl'), '{"kind":"st\n');
    await test.append('metrics', ...stepLines(21));
    const { progress } = (await open()).view(everything);
    expect(progress.steps).toBe(21);
    expect(progress.warnings).toEqual(['1 line of metrics.jsonl cannot be read']);
  });

  it('keeps what was read of a folder that is gone', async () => {
    const run = await open();
    await rm(test.folder, { recursive: true });
    await expect(run.poll(0)).rejects.toThrow(/is not the folder of a run/);
    expect(run.view(everything).curves.loss!.curve.steps.length).toBe(20);
  });

  it('thins long curves, and shows windows of them whole', async () => {
    await test.append('metrics', ...Array.from({ length: 3_000 }, (_, i) => stepLines(21 + i)).flat());
    const run = await open();
    const { loss } = run.view({ ...everything, curveColumns: 100 }).curves;
    expect(loss!.curve.width).toBe(32);
    const window = run.window({ from: 1_000, to: 1_100 }, 200, ['loss', 'none']);
    expect(Object.keys(window)).toEqual(['loss']);
    expect(window.loss!.width).toBe(1);
    expect([window.loss!.steps.at(0), window.loss!.steps.at(-1)]).toEqual([999, 1_101]);
  });

  it('has histograms, and passes on those of later steps', async () => {
    const row = { count: 3, min: 1, max: 1, sum: 3, sumOfSquares: 3, first: 81, counts: [3] };
    const lineOf = (step: number) => ({
      step,
      params: { w: row },
      gradients: { w: row },
      updates: { w: row },
    });
    const write = (...lines: readonly object[]) =>
      appendFile(
        join(test.folder, 'histograms.jsonl'),
        lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
    await write(lineOf(10), { step: 12, params: 'none' });
    const run = await open();
    expect(run.view(everything).histograms).toEqual([lineOf(10)]);
    await write(lineOf(20), lineOf(20));
    expect(deltaOf(await run.poll(0)).histograms).toEqual([lineOf(20)]);
    expect(await run.poll(0)).toBe('same');
    await write({ kind: 'lengthChanged', step: 15 });
    expect(await run.poll(0)).toBe('revised');
    expect(run.view(everything).histograms).toEqual([lineOf(10)]);
  });
});
