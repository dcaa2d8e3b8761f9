/** What the update program passes to an optimizer and accepts from it. */
import { zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { dense, l2, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import {
  accumulateGradients,
  adam,
  addGradientNoise,
  chain,
  clipAdaptively,
  type Empty,
  emaParams,
  freeze,
  type GradientTransformation,
  lookahead,
  multiTransform,
  radam,
  reduceOnPlateau,
  rmsprop,
  stateless,
  swaParams,
  warmup,
} from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

const data = fromArrays(
  {
    x: Array.from({ length: 30 }, (_, i) => [(i % 3) / 2, (i % 5) / 4, (i % 7) / 6]),
    y: Array.from({ length: 30 }, (_, i) => i % 3),
  },
  { name: 'remainders', dtypes: { y: 'int32' } },
);

async function train(optimizer: GradientTransformation, counts: readonly number[]) {
  const experiment = defineExperiment({
    data,
    model: sequential(dense(4), relu, dense(3)),
    loss: softmaxCrossEntropy(),
    penalty: l2(1e-2),
    optimizer,
    batch: { size: 10, shards: 4 },
    epochs: 4,
  });
  let start = 0;
  const ranges = counts.map((count) => {
    start += count;
    return { start: start - count, count };
  });
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config: resolveConfig(experiment), ranges });
}

const optimizers: Readonly<Record<string, GradientTransformation>> = {
  'a chain with averages and noise': chain(
    addGradientNoise({ variance: 1e-4, seed: 3 }),
    clipAdaptively({ clipping: 0.1 }),
    rmsprop(
      warmup(3, (step) => step.mul(0).add(0.01)),
      { centered: true, momentum: 0.9 },
    ),
    reduceOnPlateau({ factor: 0.5, patience: 1, every: 2 }),
    emaParams({ decay: 0.9 }),
    swaParams({ start: 4, every: 2 }),
  ),
  'optimizers in optimizers': lookahead(
    multiTransform(
      { body: accumulateGradients(2, radam(0.01)), head: adam(0.01, { amsgrad: true }), still: freeze() },
      (path) => (path.endsWith('bias') ? 'still' : path.startsWith('0') ? 'body' : 'head'),
    ),
    { every: 3 },
  ),
};

describe.each(Object.entries(optimizers))('%s', (_name, optimizer) => {
  it('gives one fingerprint for every division of the shards', async () => {
    const whole = await train(optimizer, [4]);
    const divided = await train(optimizer, [1, 2, 1]);
    expect(whole.steps).toBe(12);
    expect(divided.fingerprint).toBe(whole.fingerprint);
    expect(divided.arrays).toEqual(whole.arrays);
    expect(whole.history.at(-1)!.loss).not.toBe(whole.history[0]!.loss);
  });
});

describe('the update program', () => {
  it("passes the optimizer the loss of the step, with the penalty, and the step's number", async () => {
    // The parameters add up what the optimizer receives.
    const adding: GradientTransformation<Empty> = stateless((_grads, _params, { loss, step }) => ({
      losses: loss!,
      steps: step,
    }));
    const experiment = defineExperiment({
      data,
      init: () => ({ losses: zeros([]), steps: zeros([]) }),
      loss: ({ losses }, { x }) => x.sum(1).mul(losses.add(1)),
      penalty: ({ steps }) => steps.square(),
      optimizer: adding,
      batch: { size: 10, shards: 4 },
      epochs: 2,
    });
    const dataset = await experiment.data.load();
    const run = trainLocally({ experiment, dataset, config: resolveConfig(experiment) });
    const losses = run.history.reduce((total, { loss }) => Math.fround(total + loss!), 0);
    expect(run.variables.map(({ name }) => name)).toEqual(['losses', 'steps']);
    expect(run.arrays).toEqual([Float32Array.of(losses), Float32Array.of(0 + 1 + 2 + 3 + 4 + 5)]);
  });

  it('refuses an update that changes the shape of a parameter, and names the parameter', async () => {
    const widening = stateless((grads) => ({ ...(grads as object), w: zeros([3, 2]) }));
    const experiment = defineExperiment({
      data,
      init: () => ({ b: zeros([]), w: zeros([2]) }),
      loss: ({ w, b }, { x }) => x.sum(1).mul(w.sum()).add(b),
      optimizer: widening,
      batch: { size: 10, shards: 4 },
    });
    const dataset = await experiment.data.load();
    const train = () => trainLocally({ experiment, dataset, config: resolveConfig(experiment) });
    expect(train).toThrow(/a step changes the structure, a shape or an element type .* \(w\)/);
  });
});
