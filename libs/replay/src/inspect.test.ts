import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, tensor } from '@lockstep/autodiff';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { fromArrays } from '@lockstep/data';
import { globalNorm, sgd } from '@lockstep/optim';
import { readLog } from '@lockstep/tracking';
import { defineExperiment } from '@lockstep/training';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { estimateSeconds } from './cost.ts';
import { convolutional } from './fixtures/experiments.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { inspectRun, inspectStep, tensorsOfInspection } from './inspect.ts';
import { openRecordedRun } from './recorded-run.ts';
import { samplesAt, samplingOf } from './step-samples.ts';

/** A run that no test changes. */
let recorded: string;
beforeAll(async () => {
  recorded = await mkdtemp(join(tmpdir(), 'lockstep-inspect-'));
  await recordLocally(recorded, 'convolutional', convolutional(), { config: { epochs: 3 } });
});
afterAll(() => rm(recorded, { recursive: true }));

/** The folder of a test's own run. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-inspect-'));
});
afterEach(() => rm(folder, { recursive: true }));

const dataOf = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));

describe('inspectRun', () => {
  it('gives the tensors of a step with the bits of the run', async () => {
    const found = await inspectRun(recorded, { step: 7 });
    expect(found).toMatchObject({ run: recorded, step: 7, epoch: 3, isUpdated: true, warnings: [] });
    const { records } = await readLog(recorded, 'metrics');
    const logged = records.find(({ kind, step }) => kind === 'step' && step === 7)!.metrics;
    expect(found.stepMetrics).toEqual(logged);
    expect(Math.fround(globalNorm(found.gradients).item())).toBe(found.stepMetrics.gradientNorm);

    const saved = (await loadCheckpoint(checkpointFolder(recorded), 6))!.tensors;
    for (const [name, x] of Object.entries(found.params))
      expect(x.data).toEqual(saved[`params/${name}`]!.data);
    for (const [name, x] of Object.entries(found.state)) expect(x.data).toEqual(saved[`state/${name}`]!.data);
    const next = await inspectRun(recorded, { step: 8 });
    const difference = Object.entries(next.params).map(
      ([name, x]) => [name, x.sub(found.params[name]!)] as const,
    );
    expect(dataOf(found.updates)).toEqual(dataOf(Object.fromEntries(difference)));
  });

  it('gives samples, layers and losses in the order of the shards', async () => {
    const run = await openRecordedRun(recorded);
    // The last step of an epoch has 4 of 36 samples.
    const { samples, columns, layers, loss, metrics } = await inspectRun(recorded, { step: 3 });
    expect([...samples.data]).toEqual([...samplesAt(samplingOf(run), 3)]);
    expect(layers.map(({ name, kind, output }) => `${name} ${kind} ${output.shape}`)).toEqual([
      '0 conv2d 4,6,6,4',
      '1 batchNorm 4,6,6,4',
      '2 relu 4,6,6,4',
      '3 flatten 4,144',
      '4 dropout 4,144',
      '5 dense 4,3',
    ]);
    const rows = samples.toArray() as number[];
    expect(columns.y!.toArray()).toEqual(rows.map((i) => run.dataset.splits.train.fields.y!.storage[i]));
    expect(columns.x!.shape).toEqual([4, 6, 6, 1]);
    expect(loss.shape).toEqual([4]);
    const right = layers.at(-1)!.output.argmax(1).toArray() as number[];
    expect(metrics.accuracy!.toArray()).toEqual(right.map((c, i) => Number(c === columns.y!.data[i])));
  });

  it('gives one sample and one layer, and the gradient of its loss', async () => {
    const whole = await inspectRun(recorded, { step: 3 });
    const options = { step: 3, sample: whole.samples.data[2]!, layer: '0', sampleGradient: true };
    const one = await inspectRun(recorded, options);
    expect(one.samples.toArray()).toEqual([options.sample]);
    expect(one.columns.x!.toArray()).toEqual(whole.columns.x!.slice([2], [3]).toArray());
    expect(one.layers.map(({ name, output }) => [name, output.toArray()])).toEqual([
      ['0', whole.layers[0]!.output.slice([2], [3]).toArray()],
    ]);
    expect(one.loss.toArray()).toEqual([whole.loss.data[2]]);
    const names = ['0/bias', '0/kernel'];
    for (const named of [one.params, one.gradients, one.updates, one.sampleGradients!])
      expect(Object.keys(named)).toEqual(names);
    expect(one.state).toEqual({});
    expect(dataOf(one.gradients)).toEqual(dataOf({ ...one.gradients, ...pick(whole.gradients, names) }));
    expect(one.sampleGradients!['0/kernel']!.data).not.toEqual(one.gradients['0/kernel']!.data);
    expect(Object.keys(tensorsOfInspection(one)).sort()).toEqual([
      ...['columns/x', 'columns/y', 'gradients/0/bias', 'gradients/0/kernel', 'layers/0', 'loss'],
      ...['metrics/accuracy', 'params/0/bias', 'params/0/kernel', 'sampleGradients/0/bias'],
      ...['sampleGradients/0/kernel', 'samples', 'updates/0/bias', 'updates/0/kernel'],
    ]);
  });

  it('tells how many steps it computes before', async () => {
    const told: unknown[] = [];
    const run = await openRecordedRun(recorded);
    await inspectStep(
      run,
      { step: 5 },
      {
        onStart: (from, numSteps) => void told.push([from, numSteps]),
        onStep: (step) => void told.push(step),
      },
    );
    expect(told).toEqual([[3, 2], 4, 5]);
  });
});

describe('inspectRun refuses', () => {
  it('steps that the run has not computed', async () => {
    await expect(inspectRun(recorded, { step: 10 })).rejects.toThrow(
      'has computed 9 steps, so there is no step 10',
    );
    await expect(inspectRun(recorded, { step: 0 })).rejects.toThrow('step is 0');
    await expect(inspectRun(recorded, {} as never)).rejects.toThrow('step');
    const alone = { step: 4, sampleGradient: true };
    await expect(inspectRun(recorded, alone)).rejects.toThrow('name it with sample');
  });

  it('samples of other steps, and names their step', async () => {
    const run = await openRecordedRun(recorded);
    const [other] = samplesAt(samplingOf(run), 5);
    await expect(inspectRun(recorded, { step: 4, sample: other! })).rejects.toThrow(
      /; it is in step 5 of the same epoch/,
    );
    await expect(inspectRun(recorded, { step: 4, sample: 99 })).rejects.toThrow(
      /the training data have the samples 0 to 35/,
    );
  });

  it('layers that do not exist, and suggests others', async () => {
    await expect(inspectRun(recorded, { step: 4, layer: '0/kernal' })).rejects.toThrow(
      "the model has no layer '0/kernal'; did you mean 0/kernel or 5/kernel? (its layers are 0 conv2d, 1 batchNorm,",
    );
    await expect(inspectRun(recorded, { step: 4, layer: 'encoder' })).rejects.toThrow(
      /names of their layers/,
    );
  });

  it('data that have changed', async () => {
    await cp(recorded, folder, { recursive: true });
    const path = join(folder, 'journal.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace(/("type":"data","hash":")\w+/, '$1abc'));
    const refusal = expect.objectContaining({
      code: 'data',
      message: expect.stringContaining('have changed since'),
    });
    await expect(inspectRun(folder, { step: 4 })).rejects.toEqual(refusal);
  });
});

describe('a run that is not as it was', () => {
  it('is computed from an older checkpoint where one is damaged', async () => {
    await cp(recorded, folder, { recursive: true });
    const honest = await inspectRun(recorded, { step: 8 });
    const file = join(checkpointFolder(folder), 'step-00000006.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    const { warnings, params } = await inspectRun(folder, { step: 8 });
    expect(warnings).toEqual([expect.stringMatching(/^the checkpoint of step 6 is skipped: .*checksum/)]);
    expect(dataOf(params)).toEqual(dataOf(honest.params));
  });

  it('is warned of where its programs or its metrics differ', async () => {
    await cp(recorded, folder, { recursive: true });
    const journal = join(folder, 'journal.jsonl');
    await writeFile(journal, (await readFile(journal, 'utf8')).replace(/("update":")\w+/, '$1abc'));
    const metrics = join(folder, 'metrics.jsonl');
    const altered = (await readFile(metrics, 'utf8')).replace(/("step":4,.*?"loss":)[\d.]+/, '$11.5');
    await writeFile(metrics, altered);
    expect((await inspectRun(folder, { step: 4 })).warnings).toEqual([
      expect.stringMatching(/computes other operations than those of the run \(update\)/),
      expect.stringMatching(/reported other metrics for this step \(loss\)/),
    ]);
  });

  it('shows the step at which it stopped because that was not finite', async () => {
    const points = Array.from({ length: 12 }, (_, i) => (i === 7 ? -1 : 1));
    const root = defineExperiment({
      data: fromArrays({ x: points, y: points.map(() => 0) }, { name: 'points' }),
      init: () => ({ w: tensor(new Float32Array([1]), { shape: [] }) }),
      loss: ({ w }: { w: Tensor }, { x }) => x.mul(w).sqrt(),
      optimizer: sgd(0.01),
      batch: { size: 4, shards: 2 },
    });
    await recordLocally(folder, 'root', root, { config: { steps: 3, epochs: null } });
    const run = await openRecordedRun(folder);
    const step = [1, 2, 3].find((k) => samplesAt(samplingOf(run), k).includes(7))!;
    await writeFile(join(folder, 'events.jsonl'), `${JSON.stringify({ type: 'stoppedNonFinite' })}\n`);
    const { records } = await readLog(folder, 'metrics');
    const kept = records.filter((one) => Number(one.step) < step).map((one) => `${JSON.stringify(one)}\n`);
    await writeFile(join(folder, 'metrics.jsonl'), kept.join(''));
    const found = await inspectRun(folder, { step, sample: 7 });
    expect(found.isUpdated).toBe(false);
    expect(found.nonFinite).toContain('loss');
    expect(found.loss.toArray()).toEqual([Number.NaN]);
    expect(found.gradients.w!.item()).toBeNaN();
    expect(found.updates.w!.item()).toBe(0);
    expect(found.layers).toEqual([]);
  });
});

describe('estimateSeconds', () => {
  it('is the median of the work of all threads, for each step', async () => {
    const work = (step: number, generation: number, worker: string, computeMs: number) =>
      JSON.stringify({ kind: 'work', step, generation, worker, shards: 4, computeMs });
    const lines = [
      ...[work(1, 1, 'a', 900), work(1, 1, 'b', 700), work(2, 1, 'a', 10), work(2, 1, 'b', 20)],
      // The step that another generation repeats.
      ...[work(3, 1, 'a', 500), work(3, 2, 'a', 30)],
    ];
    await writeFile(join(folder, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
    const joined = JSON.stringify({ type: 'joined', worker: 'b', threads: 2 });
    await writeFile(join(folder, 'events.jsonl'), `${joined}\n`);
    // 2300, 50 and 30 ms.
    expect(await estimateSeconds(folder, 100)).toBeCloseTo(5, 10);
    await writeFile(join(folder, 'metrics.jsonl'), '');
    expect(await estimateSeconds(folder, 100)).toBeUndefined();
  });
});

const pick = (named: Readonly<Record<string, Tensor>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, named[name]!]));
