/** What a scale asks for, keeps and shows. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import type { Findings } from './findings.ts';
import { numbersOf } from './request.ts';
import { createScaleDisplay } from './scale-display.ts';
import {
  createScaleFolder,
  openPieces,
  readScaleRequest,
  type ScaleRequest,
  scaledFile,
} from './scale-folder.ts';
import { requireOneFingerprint, type WorkerRow } from './worker-runs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lockstep-scale-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const request: ScaleRequest = {
  ...{
    file: '/project/small.ts',
    name: 'small',
    baseBatchSize: 8,
    batches: [8, 16],
    workers: [1, 2],
    threads: 1,
  },
  ...{ rule: 'sqrt', warmup: 0.05, rate: null, metric: 'validation/loss', target: null, seeds: 1, seed: 1 },
  ...{
    epochs: 2,
    limitSamples: null,
    set: {},
    workerSteps: 6,
    branchAt: [1],
    branchBatches: [16],
    tolerance: 0.02,
    noiseSamples: 100,
  },
  ...{ profile: 'fma', link: '1Gbit', latency: '0.1ms' },
};

it('reads numbers with commas', () => {
  expect(numbersOf('--batch', '64, 16,64')).toEqual([16, 64]);
  for (const text of ['', '1,', '0', '1.5', 'all'])
    expect(() => numbersOf('--batch', text)).toThrow(`such as 1,2,4, not '${text}'`);
});

it('keeps what was asked for, and an experiment that lockstep train takes', async () => {
  const folder = await createScaleFolder(root, request);
  expect(await readScaleRequest(folder)).toMatchObject(request);
  const source = readFileSync(scaledFile(folder), 'utf8');
  expect(source).toContain('import experiment from "/project/small.ts";');
  expect(source).toContain(
    'scaleWithBatch(experiment, {"baseBatchSize":8,"rule":"sqrt","warmup":0.05,"noiseSamples":100})',
  );
  await expect(readScaleRequest(root)).rejects.toThrow(`${root} is not the folder of a scale`);
});

it('keeps what is measured, and measures again what was stopped or cut short', async () => {
  const pieces = await openPieces(root);
  expect(await pieces.measured('workers/8/1', async () => undefined)).toBeUndefined();
  expect(await pieces.measured('workers/8/1', async () => ({ stepMs: 3 }))).toEqual({ stepMs: 3 });
  appendFileSync(join(root, 'pieces.jsonl'), '{"key":"workers/8/2","fou');
  const again = await openPieces(root);
  expect(await again.measured('workers/8/1', async () => ({ stepMs: 4 }))).toEqual({ stepMs: 3 });
  expect(await again.measured('workers/8/2', async () => ({ stepMs: 5 }))).toEqual({ stepMs: 5 });
});

const times = { stepMs: 10, computeMs: 8, waitMs: 1, networkMs: 1 };
const row = (workers: number, fingerprint = 'fma:aa'): WorkerRow => ({
  ...{ batchSize: 8, workers, steps: 6, fingerprint, run: `runs/${workers}`, ...times },
  ...{
    samplesPerSecond: 800,
    speedUp: 1,
    efficiency: 1 / workers,
    predicted: times,
    ratio: 1,
    leastRatio: 1,
    leastMs: 10,
  },
  onLink: { ...times, speedUp: 1 },
});

it('fails if two numbers of workers have two fingerprints', () => {
  expect(requireOneFingerprint([row(1), row(2), { ...row(4, 'fma:bb'), batchSize: 16 }])).toEqual({
    8: 'fma:aa',
    16: 'fma:bb',
  });
  expect(() => requireOneFingerprint([row(1), row(2, 'fma:bb')])).toThrow(
    'a batch of 8 has the fingerprint fma:aa on 1 and fma:bb on 2 workers; lockstep diff runs/1 runs/2 finds the cause',
  );
});

const findings: Findings = {
  ...{ folder: 'runs/scales/a', request, target: { metric: 'validation/loss', value: 0.5 }, fit: undefined },
  batches: [
    {
      ...{ batchSize: 8, numSeeds: 1, final: { mean: 0.4, spread: null }, numReached: 1 },
      ...{ stepsToTarget: 40, samplesToTarget: 320, efficiency: 1, region: 'perfect' },
    },
    { batchSize: 16, numSeeds: 1, final: { mean: Number.NaN, spread: null }, numReached: 0 },
  ],
  ...{ failed: [], workers: [row(1), row(2)], fingerprints: { 8: 'fma:aa' } },
  noise: [{ at: 0.5, step: 20, noiseScale: 30, error: 4, isLowerBound: false, numSeeds: 2 }],
  critical: [{ epoch: 1, step: 20, batchSize: 8, value: 0.4, branches: [], criticalBatch: 8 }],
  advice: { batchSize: 8, workers: 1, seconds: 0.4, sentence: 'Use a batch of 8 on 1 worker: it is best.' },
};

it('ends with one JSON line that has the rows of all axes', () => {
  const out = recordingStream();
  createScaleDisplay(out, true).done(findings);
  const line = JSON.parse(out.text()) as { readonly rows: readonly { readonly axis: string }[] };
  expect(line).toMatchObject({
    ...{ event: 'done', fingerprints: { 8: 'fma:aa' }, scale: 'runs/scales/a' },
    recommendation: 'Use a batch of 8 on 1 worker: it is best.',
  });
  expect(line.rows.map(({ axis }) => axis)).toEqual([
    'batch',
    'batch',
    'workers',
    'workers',
    'noise',
    'critical',
  ]);
  expect(line.rows[1]).toMatchObject({ final: { mean: 'NaN' } });
});

it('shows people both axes, and the recommendation last', () => {
  const out = recordingStream();
  const display = createScaleDisplay(out, false);
  display.started('runs/scales/a', request);
  display.batches(findings.batches, findings.target);
  display.done(findings);
  const text = out.text();
  expect(text).toContain('The batch size changes the result. Target: validation/loss 0.5000');
  expect(text).toContain('The number of workers changes no result.');
  expect(text).toContain('batch 8: fma:aa on 1, 2 workers');
  expect(text).toContain('50%: 30 ± 4');
  expect(text).toMatch(/✓ Use a batch of 8 on 1 worker: it is best\.\n {2}scale runs\/scales\/a\n$/);
});
