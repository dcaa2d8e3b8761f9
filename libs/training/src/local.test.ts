import { mean, normal, type Tensor, zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import {
  accuracy,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  l2,
  meanSquaredError,
  relu,
  sequential,
  softmaxCrossEntropy,
} from '@lockstep/nn';
import { adam, chain, clipByGlobalNorm, sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment, ModelExperiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

/** Images [6, 6, 1] whose class decides where they are bright; 45 of them, so that the last batch is short. */
function images(numSamples = 45) {
  const x = Array.from({ length: numSamples }, (_, i) =>
    Array.from({ length: 6 }, (_row, r) =>
      Array.from({ length: 6 }, (_column, c) => [
        ((i * 37 + r * 11 + c * 7) % 13) / 13 + (r % 3 === i % 3 ? 1 : 0),
      ]),
    ),
  );
  return fromArrays({ x, y: x.map((_, i) => i % 3) }, { name: 'stripes', dtypes: { y: 'int32' } });
}

const recipe = {
  data: images(),
  model: sequential(conv2d(4, 3), batchNorm(), relu, flatten, dropout(0.2), dense(3)),
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-3),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
  batch: { size: 20, shards: 8 },
  epochs: 3,
} satisfies ModelExperiment;

const everything = defineExperiment(recipe);

async function train(experiment: Experiment, options: Partial<Parameters<typeof trainLocally>[0]> = {}) {
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config: resolveConfig(experiment), ...options });
}

describe('trainLocally', () => {
  it('gives one fingerprint for every division of the shards', async () => {
    const whole = await train(everything);
    expect(whole.steps).toBe(9);
    const counts = [
      [4, 4],
      [3, 3, 2],
      [1, 6, 1],
      [2, 2, 2, 2],
      [1, 1, 1, 1, 1, 1, 1, 1],
    ];
    for (const sizes of counts) {
      let start = 0;
      const ranges = sizes.map((count) => {
        start += count;
        return { start: start - count, count };
      });
      const divided = await train(everything, { ranges });
      expect(divided.fingerprint, sizes.join('+')).toBe(whole.fingerprint);
      expect(divided.history).toEqual(whole.history);
    }
  });

  it('depends on the seed and on the number of shards, and on nothing between runs', async () => {
    const runs = await Promise.all([
      train(everything),
      train(everything),
      train(everything, { config: resolveConfig(everything, { seed: 2 }) }),
      train(everything, { config: resolveConfig(everything, { shards: 4 }) }),
    ]);
    const [first, again, seeded, shards] = runs.map((run) => run.fingerprint);
    expect(again).toBe(first);
    expect(seeded).not.toBe(first);
    expect(shards).not.toBe(first);
  });

  it('learns', async () => {
    const { history } = await train(everything, { config: resolveConfig(everything, { epochs: 20 }) });
    expect(history.at(-1)!.accuracy).toBeGreaterThan(0.9);
    expect(history.at(-1)!.loss!).toBeLessThan(history[0]!.loss! / 2);
  });

  it('trains any function of any tree of parameters', async () => {
    const x = Array.from({ length: 32 }, (_, i) => [
      Math.fround((i % 8) / 8 - 0.5),
      Math.fround((i % 5) / 5 - 0.5),
    ]);
    const experiment = defineExperiment({
      data: fromArrays(
        { x, y: x.map(([a, b]) => (a! > b! ? 1 : 0)) },
        { name: 'line', dtypes: { y: 'float32' } },
      ),
      init: (key: Tensor) => ({ w: normal(key, [2]), b: zeros([]) }),
      loss: ({ w, b }, { x: inputs, y }) => inputs.matmul(w).add(b).sigmoid().sub(y).square(),
      optimizer: sgd(4),
      batch: { size: 16, shards: 4 },
      epochs: 100,
    });
    const { history } = await train(experiment);
    expect(history.at(-1)!.loss!).toBeLessThan(history[0]!.loss! / 2);
  });

  it('stops when the metric no longer improves', async () => {
    const experiment = defineExperiment({
      ...recipe,
      data: fromArrays(
        {
          x: Array.from({ length: 40 }, (_, i) => [i % 2, 1]),
          y: Array.from({ length: 40 }, (_, i) => i % 2),
        },
        { name: 'bits', dtypes: { y: 'int32' }, split: { validation: 0.25 } },
      ),
      model: sequential(dense(2)),
      penalty: () => zeros([]),
      optimizer: sgd(0),
      batch: { size: 10, shards: 2 },
      epochs: 50,
      earlyStopping: { metric: 'validation/loss', patience: 2 },
    });
    // The first evaluation is the best; two more without improvement end the run.
    expect((await train(experiment)).steps).toBe(9);
  });

  it('refuses a loss that is not a pure function', async () => {
    let calls = 0;
    const experiment = defineExperiment({
      ...recipe,
      loss: (outputs, labels) => softmaxCrossEntropy()(outputs, labels).mul(++calls),
    });
    await expect(train(experiment)).rejects.toThrow(/not a pure function/);
  });

  it('refuses a loss that averages, and a model whose samples see each other', async () => {
    const averaged = defineExperiment({
      ...recipe,
      loss: (o, y) => mean(softmaxCrossEntropy()(o, y)),
    });
    await expect(train(averaged)).rejects.toThrow(/must have one value a sample, \[rows\], not \[\]/);
    const centred = defineExperiment({
      ...recipe,
      model: sequential(flatten, (x: Tensor) => x.sub(x.mean(0)), dense(3)),
    });
    await expect(train(centred)).rejects.toThrow(/changes with the other samples of its batch/);
  });

  it('refuses early stopping without a validation split', async () => {
    const experiment = defineExperiment({
      ...recipe,
      earlyStopping: { metric: 'validation/loss', patience: 2 },
    });
    await expect(train(experiment)).rejects.toThrow(
      /earlyStopping watches validation\/loss, but 'stripes' has no validation split.* split such as/,
    );
  });

  it('recognises a loss that was not called', async () => {
    const experiment = defineExperiment({ ...recipe, loss: softmaxCrossEntropy as never });
    await expect(train(experiment)).rejects.toThrow(
      /softmaxCrossEntropy: options .*, not a float32 tensor .*; is a call missing/,
    );
    const uncalled = defineExperiment({ ...recipe, loss: meanSquaredError as never });
    await expect(train(uncalled)).rejects.toThrow(/loss: must give a tensor .*, not a function; is a call/);
  });

  it('names the layer whose shapes do not fit', async () => {
    const experiment = defineExperiment({ ...recipe, model: sequential(flatten, conv2d(4, 3)) });
    await expect(train(experiment)).rejects.toThrow(/layer 1 \(conv2d\)/);
  });
});
