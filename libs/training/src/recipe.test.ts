/** Runs that measure and follow the gradient's noise, and runs that evaluate with averages. */
import { type Tensor, tensor, zeros } from '@lockstep/autodiff';
import { fillBatch, fromArrays } from '@lockstep/data';
import { batchNorm, dense, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import {
  accumulateGradients,
  adam,
  byNoiseScale,
  chain,
  clipByGlobalNorm,
  emaParams,
  type GradientTransformation,
  lookahead,
  masked,
  monitorNoiseScale,
  multiTransform,
  sgd,
  skipNonFinite,
  swaParams,
} from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

async function train(experiment: Experiment, counts: readonly number[] = [4]) {
  let start = 0;
  const ranges = counts.map((count) => {
    start += count;
    return { start: start - count, count };
  });
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config: resolveConfig(experiment), ranges });
}

/** Random points [8] around 0. */
const pointsOf = (count: number): number[][] =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: 8 }, (_value, d) => ((i * (2 * d + 7)) % count) / (count - 1) - 0.5),
  );
/** The last batch of 16 is short. */
const points = pointsOf(60);
const cloudOf = (all: readonly number[][]) => fromArrays({ x: all, y: all.map(() => 0) }, { name: 'cloud' });
const cloud = cloudOf(points);

/** ½|w − a|² over the points: one sample's gradient is w − a, so G and Σ are known. */
const bowl = (optimizer: GradientTransformation, epochs = 30, data = cloud): Experiment =>
  defineExperiment({
    data,
    init: () => ({ w: tensor(new Float32Array(8).fill(0.25)) }),
    loss: ({ w }: { w: Tensor }, { x }) => w.sub(x).square().sum(1).div(2),
    optimizer,
    batch: { size: 16, shards: 4 },
    epochs,
  });

describe('the noise scale of a run', () => {
  const decay = 0.98;
  const monitored = chain(monitorNoiseScale({ decay }), sgd(0));
  const still = bowl(monitored);

  /** tr(Σ)/|G|² where gradients are 0.25 − a, and its relative standard error as docs/optimizers.md gives it. */
  function closedForm(all: readonly number[][], batchSize: number, numSteps: number) {
    const [axes, dot] = [
      [...all[0]!.keys()],
      (u: number[], v: number[]) => u.reduce((sum, x, i) => sum + x * v[i]!, 0),
    ];
    const mean = axes.map((d) => all.reduce((sum, point) => sum + point[d]!, 0) / all.length);
    const gradient = mean.map((value) => 0.25 - value);
    const covariance = axes.map((d) =>
      axes.map(
        (e) => all.reduce((sum, p) => sum + (p[d]! - mean[d]!) * (p[e]! - mean[e]!), 0) / (all.length - 1),
      ),
    );
    const variance = axes.reduce((sum, d) => sum + covariance[d]![d]!, 0);
    const squares = covariance.reduce((sum, row) => sum + dot(row, row), 0);
    const signal = dot(gradient, gradient);
    const along = dot(
      gradient,
      covariance.map((row) => dot(row, gradient)),
    );
    const forgotten = decay ** numSteps;
    const n = (((1 + decay) / (1 - decay)) * (1 - forgotten)) / (1 + forgotten);
    const samples = n * batchSize;
    const ofVariance = Math.sqrt((2 * squares) / n) / variance;
    const ofSignal = Math.sqrt((4 * along) / samples + (2 * squares) / samples ** 2) / signal;
    return { scale: variance / signal, error: Math.hypot(ofVariance, ofSignal) };
  }

  it('equals that of the data in the first epoch, within twice its standard error', async () => {
    const many = pointsOf(1597);
    const { history, steps } = await train(bowl(monitored, 1, cloudOf(many)));
    const { scale, error } = closedForm(many, 16, steps);
    expect(error).toBeLessThan(0.12);
    expect(Math.abs(history.at(-1)!.noiseScale! / scale - 1)).toBeLessThan(2 * error);
  });

  it('shrinks by 1 − B/N over many epochs of N samples, whose mean is then exact', async () => {
    const { history, steps } = await train(bowl(monitored, 40));
    const { scale, error } = closedForm(points, 15, steps);
    const found = history.at(-1)!.noiseScale! / scale;
    expect(Math.abs(found - (1 - 15 / 60))).toBeLessThan(2 * error);
    expect(found).toBeLessThan(0.85);
  });

  it('is reported with each step, with the same bits for every division of the shards', async () => {
    const [whole, divided] = [await train(still), await train(still, [1, 2, 1])];
    expect(Object.keys(whole.history[0]!)).toEqual(['loss', 'gradientNorm', 'noiseScale']);
    expect(divided.history).toEqual(whole.history);
  });

  it('must not share its name with a metric of the experiment', async () => {
    const experiment = defineExperiment({
      data: cloud,
      init: () => ({ w: zeros([8]) }),
      loss: ({ w }: { w: Tensor }, { x }) => w.sub(x).square().sum(1),
      metrics: { noiseScale: (_params: unknown, { x }) => x.sum(1) },
      optimizer: chain(monitorNoiseScale(), sgd(0.1)),
      batch: { size: 16, shards: 4 },
    });
    await expect(train(experiment)).rejects.toThrow(
      /a step metric 'noiseScale', and so does the experiment; give/,
    );
  });
});

const stages = [
  { from: 0, every: 1 },
  { from: 5, every: 3 },
];

describe('a growing batch', () => {
  it('grows with the noise, as gradients shrink', async () => {
    const run = await train(bowl(accumulateGradients(byNoiseScale({ most: 6, decay: 0.9 }), sgd(0.1)), 20));
    const steps = run.history.map(({ accumulatedSteps }) => accumulatedSteps!);
    expect(steps[0]).toBe(1);
    expect(Math.max(...steps)).toBe(6);
    expect(steps.every((value) => Number.isInteger(value))).toBe(true);
    expect(run.history.at(-1)!.loss).toBeLessThan(run.history[0]!.loss!);
  });

  it.each<[string, GradientTransformation]>([
    ['from a table', accumulateGradients(stages, adam(0.05), { rule: 'sqrt' })],
    ['by noise', accumulateGradients(byNoiseScale({ most: 4, decay: 0.8 }), adam(0.05))],
    [
      'around and within others',
      chain(
        monitorNoiseScale({ decay: 0.9 }),
        lookahead(
          skipNonFinite(
            accumulateGradients(
              byNoiseScale({ most: 3, decay: 0.8, name: 'ofTheBatch' }),
              accumulateGradients(stages, chain(clipByGlobalNorm(1), adam(0.05), emaParams()), {
                name: 'innerSteps',
              }),
            ),
          ),
          { every: 4 },
        ),
      ),
    ],
  ])('%s gives one fingerprint for every division of the shards', async (_name, optimizer) => {
    const experiment = bowl(optimizer, 10);
    const [whole, divided] = [await train(experiment), await train(experiment, [3, 1])];
    expect(divided.fingerprint).toBe(whole.fingerprint);
    expect(divided.history).toEqual(whole.history);
    expect(new Set(whole.history.map(({ accumulatedSteps }) => accumulatedSteps)).size).toBeGreaterThan(1);
  });
});

describe('evaluateWith', () => {
  const labelled = fromArrays(
    { x: points, y: points.map(([a, b]) => (a! > b! ? 1 : 0)) },
    { name: 'labelled', dtypes: { y: 'int32' }, split: { validation: 0.2, test: 0.2 } },
  );
  const classifier = (optimizer: GradientTransformation, evaluateWith?: 'params' | 'average'): Experiment =>
    defineExperiment({
      data: labelled,
      model: sequential(dense(4), batchNorm(), relu, dense(2)),
      loss: softmaxCrossEntropy(),
      optimizer,
      batch: { size: 8, shards: 4 },
      epochs: 3,
      ...(evaluateWith && { evaluateWith }),
    });
  const numEpochSteps = 5;

  it.each<[string, GradientTransformation]>([
    ['emaParams', chain(adam(0.05), emaParams({ decay: 0.9, debias: true }))],
    ['swaParams', chain(adam(0.05), swaParams({ start: numEpochSteps }))],
    [
      'an average deep in a chain',
      accumulateGradients(2, skipNonFinite(chain(sgd(0.5), emaParams({ decay: 0.5 })))),
    ],
  ])('average: affects evaluations and not training: %s', async (_name, optimizer) => {
    const [averaged, plain] = [
      await train(classifier(optimizer, 'average')),
      await train(classifier(optimizer, 'params')),
    ];
    expect(averaged.fingerprint).toBe(plain.fingerprint);
    expect(averaged.history).toEqual(plain.history);
    expect(averaged.metrics['test/loss']).not.toBe(plain.metrics['test/loss']);
    expect(averaged.progress.bestMetric).not.toBe(plain.progress.bestMetric);
    const divided = await train(classifier(optimizer, 'average'), [1, 2, 1]);
    expect(divided.metrics).toEqual(averaged.metrics);
  });

  it('average: reports the loss of averagedParams', async () => {
    const held = fromArrays({ x: points, y: points.map(() => 0) }, { name: 'held', split: { test: 0.25 } });
    const experiment = defineExperiment({
      data: held,
      init: () => ({ w: zeros([8]) }),
      loss: ({ w }: { w: Tensor }, { x }) => w.sub(x).square().sum(1),
      optimizer: chain(sgd(0.2), emaParams({ decay: 0.7, debias: true })),
      evaluateWith: 'average',
      batch: { size: 16, shards: 4 },
      epochs: 2,
    });
    const { optState, metrics } = await train(experiment);
    const total = optState['1/weight']![0]!;
    const average = Array.from(optState['1/averagedParams/w']!, (sum) => sum / total);
    const test = (await held.load()).splits.test!;
    const x = new Float32Array(8 * test.size);
    fillBatch(
      test,
      Int32Array.from({ length: test.size }, (_, i) => i),
      { x },
    );
    const squares = Array.from(x, (value, i) => (average[i % 8]! - value) ** 2);
    expect(metrics['test/loss']).toBeCloseTo(squares.reduce((a, b) => a + b) / test.size, 6);
  });

  it('average: equals the parameters for an average of the last step alone', async () => {
    const last = chain(adam(0.05), emaParams({ decay: 0, debias: true }));
    const [averaged, plain] = [await train(classifier(last, 'average')), await train(classifier(last))];
    expect(averaged.metrics).toEqual(plain.metrics);
    expect(averaged.progress).toEqual(plain.progress);
  });

  it('average: needs one average of all parameters', async () => {
    await expect(train(classifier(adam(0.1), 'average'))).rejects.toThrow(
      /the state holds 0 averages; chain/,
    );
    const part = masked(chain(sgd(0.1), emaParams()), (path) => path.endsWith('kernel'), { rest: 'zero' });
    await expect(train(classifier(part, 'average'))).rejects.toThrow(
      /the average has no parameter 0\/bias; put/,
    );
    const parts = multiTransform({ a: chain(sgd(1), emaParams()), b: sgd(1) }, (path) =>
      path === '0/kernel' ? 'a' : 'b',
    );
    await expect(train(classifier(parts, 'average'))).rejects.toThrow(/the average has no parameter/);
    expect(() => classifier(adam(0.1), 'ema' as never)).toThrow(
      /evaluateWith must be 'params' or 'average', not ema/,
    );
  });
});
