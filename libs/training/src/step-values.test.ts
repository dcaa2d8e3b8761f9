/** What a step computed with, against the run's own numbers: bit for bit where the run has them. */
import { checkpoint, forLoop, type Tensor, tensor, treeSum, zeros } from '@lockstep/autodiff';
import { fromArrays, stepSamples } from '@lockstep/data';
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  frozen,
  l2,
  relu,
  sequential,
  softmaxCrossEntropy,
} from '@lockstep/nn';
import { adam, applyUpdates, globalNorm, sgd } from '@lockstep/optim';
import { createSchedule } from '@lockstep/run';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment, ModelExperiment } from './experiment.ts';
import { createLocalWorker } from './local-worker.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';
import { forwardStep, namedLayers, sampleGradient, stepGradients } from './step-values.ts';

/** 21 images of three classes: the last batch of 8 has 5 samples, so that shards are padded. */
const images = fromArrays(
  {
    x: Array.from({ length: 21 }, (_, i) =>
      Array.from({ length: 4 }, (_row, r) =>
        Array.from({ length: 4 }, (_c, c) => [((i * 7 + r * 5 + c * 3) % 11) / 11]),
      ),
    ),
    y: Array.from({ length: 21 }, (_, i) => i % 3),
  },
  { name: 'images', dtypes: { y: 'int32' } },
);
const model = sequential(conv2d(2, 3), batchNorm(), relu, flatten, dropout(0.3), dense(3));
const cnn = (more: Pick<ModelExperiment, 'penalty'> = {}): Experiment =>
  defineExperiment({
    ...{ data: images, model, loss: softmaxCrossEntropy(), optimizer: sgd(0.1) },
    ...{ batch: { size: 8, shards: 4 }, epochs: 2 },
    ...more,
  });

/** Trains up to a step and gives its inputs, sums and results. */
async function stepOf(experiment: Experiment, step: number, counts: readonly number[] = [4]) {
  const [dataset, config] = [await experiment.data.load(), resolveConfig(experiment)];
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, false);
  const programs = compilePrograms(experiment, dataset, config, totalSteps);
  let start = 0;
  const ranges = counts.map((count) => {
    start += count;
    return { start: start - count, count };
  });
  const worker = createLocalWorker({ dataset, config, ranges }, programs);
  worker.initialize();
  let arrays = worker.replica;
  for (let k = 1; k <= step; k++) {
    arrays = worker.replica.map((array) => array.slice());
    worker.runSegments(k);
    worker.update(k);
  }
  const { gradientSums, sums } = worker.reduced();
  const sizes = programs.params.map(({ shape }, i) => tensor(gradientSums[i]!.slice(), { shape }));
  return {
    options: { experiment, dataset, config, step, arrays },
    programs,
    worker,
    reduced: { gradientSums: sizes, sums: tensor(sums.slice()) },
  };
}

describe('the gradient of a step', () => {
  it.each([
    ['alone', {}],
    ['with a penalty', { penalty: l2(0.01) }],
  ])('is that of the optimizer, %s', async (_what, more) => {
    const { options, programs, worker, reduced } = await stepOf(cnn(more), 3);
    const grads = stepGradients(options, programs, reduced);
    const before = programs.params.map(({ shape }, i) => tensor(options.arrays[i]!, { shape }));
    const updates = grads.map((g) => g.mul(-0.1));
    const after = applyUpdates(before, updates) as Tensor[];
    expect(after.map(({ data }) => data)).toEqual(programs.params.map((_, i) => worker.replica[i]));
    expect(Math.fround(globalNorm(grads).item())).toBe(worker.stepMetrics().gradientNorm);
  });

  it('is the mean of the gradients of the samples', async () => {
    const { options, programs, reduced } = await stepOf(cnn(), 3);
    const all = Array.from({ length: 5 }, (_, place) => sampleGradient(options, place));
    const grads = stepGradients(options, programs, reduced);
    for (const [i, grad] of grads.entries()) {
      const mean = all
        .map((of) => of[i]!)
        .reduce((a, b) => a.add(b))
        .div(5);
      expect(mean.sub(grad).abs().max().item()).toBeLessThan(1e-6);
    }
  });
});

describe('the forward pass of a step', () => {
  it.each([[[4]], [[1, 3]], [[2, 1, 1]]])(
    'has the loss and the moments of the run in blocks %o',
    async (counts) => {
      const { options, programs, worker } = await stepOf(cnn(), 3, counts);
      const { loss, layers } = forwardStep(options);
      expect(loss.shape).toEqual([5]);
      // The last step of the epoch: 5 samples in shards of two rows.
      const rows = tensor([...loss.data, 0, 0, 0], { dtype: 'float32' }).reshape([4, 2]);
      expect(treeSum(rows.sum(1)).div(5).item()).toBe(worker.stepMetrics().loss);
      expect(layers.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
        '0 conv2d',
        '1 batchNorm',
        '2 relu',
        '3 flatten',
        '4 dropout',
        '5 dense',
      ]);
      expect(layers.map(({ output }) => output.shape)).toEqual([
        [5, 4, 4, 2],
        [5, 4, 4, 2],
        [5, 4, 4, 2],
        [5, 32],
        [5, 32],
        [5, 3],
      ]);
      const [conv, , rectified, , dropped] = layers.map(({ output }) => output) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const isMean = programs.state.findIndex(({ name }) => name === '1/mean');
      const [old, moved] = [options.arrays, worker.replica].map((of) => of[programs.params.length + isMean]!);
      const mean = conv.mean([0, 1, 2]);
      for (const c of [0, 1]) expect(0.9 * old![c]! + 0.1 * mean.data[c]!).toBeCloseTo(moved![c]!, 6);
      const kept = dropped.data.map((value, i) =>
        value === 0 ? value : Math.fround(value - rectified.data[i]! / 0.7),
      );
      expect(Math.max(...kept.map(Math.abs))).toBeLessThan(1e-6);
      expect(dropped.data.filter((value) => value === 0).length).toBeGreaterThan(
        rectified.data.filter((v) => v === 0).length,
      );
    },
  );

  it('has the samples in the order of the shards', async () => {
    const echo = defineExperiment({
      data: fromArrays({ x: Array.from({ length: 21 }, (_, i) => i), y: zerosOf(21) }, { name: 'numbers' }),
      init: () => ({ w: zeros([]) }),
      loss: ({ w }: { w: Tensor }, { x }) => x.add(w.mul(0)),
      optimizer: sgd(0),
      batch: { size: 8, shards: 4 },
    });
    const { options } = await stepOf(echo, 3);
    const { config } = options;
    const { shards } = stepSamples({ ...config, step: 2, numSamples: 21 });
    const indices = shards.flatMap(({ indices: own, weights }) =>
      [...own].filter((_, i) => weights[i] === 1),
    );
    expect([...forwardStep(options).loss.data]).toEqual(indices);
  });

  it('computes the layers that are wanted, and names all without computing', async () => {
    const { options } = await stepOf(cnn(), 1);
    const { layers } = forwardStep(options, ({ name }) => name === '2');
    expect(layers.map(({ name }) => name)).toEqual(['2']);
    expect(namedLayers(options)).toEqual(
      forwardStep(options).layers.map(({ name, kind }) => ({ name, kind })),
    );
  });
});

describe('layers of a loss of the experiment', () => {
  it('have the names of their parameters, and a number where they are applied again', async () => {
    const [shared, head] = [sequential(dense(4), relu), frozen(dense(3))];
    const context = { training: false } as const;
    const experiment = defineExperiment({
      data: fromArrays(
        { x: Array.from({ length: 12 }, (_, i) => [i / 12, 1 - i / 12]), y: zerosOf(12) },
        { name: 'pairs', dtypes: { y: 'int32' } },
      ),
      init: (key) => ({ shared: shared.init(key, [2]).params, head: head.init(key, [4]).params }),
      loss: (params, { x, y }) => {
        const once = shared.apply(params.shared, [{}, {}], x, context)[0];
        const twice = shared.apply(params.shared, [{}, {}], x.mul(2), context)[0];
        return softmaxCrossEntropy()(head.apply(params.head, {}, once.add(twice), context)[0], y);
      },
      optimizer: adam(0.1),
      batch: { size: 4, shards: 2 },
    });
    const { options } = await stepOf(experiment, 2, [2]);
    const { layers } = forwardStep(options);
    expect(layers.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'shared/0 dense',
      'shared/1 relu',
      'shared/0#2 dense',
      'shared/1#2 relu',
      'head frozen dense',
    ]);
    expect(layers[3]!.output.shape).toEqual([4, 4]);
  });

  it('are left out where they have no single value: in loops, branches and checkpoints', async () => {
    const [first, looped, kept] = [dense(2), dense(2), sequential(dense(2), relu)];
    const context = { training: false } as const;
    const experiment = defineExperiment({
      data: fromArrays(
        { x: Array.from({ length: 8 }, (_, i) => [i / 8, 1 - i / 8]), y: zerosOf(8) },
        { name: 'pairs' },
      ),
      init: (key) => ({
        ...{ first: first.init(key, [2]).params, looped: looped.init(key, [2]).params },
        kept: kept.init(key, [2]).params,
      }),
      loss: (params, { x }) => {
        const start = first.apply(params.first, {}, x, context)[0];
        const repeated = forLoop(
          0,
          3,
          (_i, h: Tensor) => looped.apply(params.looped, {}, h, context)[0],
          start,
        );
        const saved = checkpoint(
          (p: typeof params.kept, h: Tensor) => kept.apply(p, [{}, {}], h, context)[0],
        );
        return saved(params.kept, repeated).sum(1);
      },
      optimizer: sgd(0.1),
      batch: { size: 4, shards: 2 },
    });
    const { options, worker } = await stepOf(experiment, 1, [2]);
    const { layers, loss } = forwardStep(options);
    expect(layers.map(({ name }) => name)).toEqual(['first']);
    expect(namedLayers(options).map(({ name }) => name)).toEqual(['first']);
    expect(loss.mean().item()).toBeCloseTo(worker.stepMetrics().loss!, 6);
  });
});

function zerosOf(length: number): number[] {
  return new Array<number>(length).fill(0);
}
