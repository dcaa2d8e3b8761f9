import { localMoments } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import {
  batchNorm,
  conv2d,
  dense,
  flatten,
  groupNorm,
  type Layer,
  lstm,
  relu,
  sequential,
  softmaxCrossEntropy,
  transformerBlock,
  unflatten,
} from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

/** 30 images [4, 4, 2]: the second batch is short, and one of its shards has padding only. */
const data = fromArrays(
  {
    x: Array.from({ length: 30 }, (_, i) =>
      Array.from({ length: 32 }, (_element, j) => ((i * 31 + j * 17 + (i % 3) * j) % 23) / 23),
    ),
    y: Array.from({ length: 30 }, (_, i) => i % 3),
  },
  { name: 'patterns', dtypes: { y: 'int32' } },
);

async function train(model: Layer, counts?: readonly number[]) {
  const experiment = defineExperiment({
    data,
    model: sequential(unflatten(4, 4, 2), model),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.05, { momentum: 0.9 }),
    batch: { size: 17, shards: 4 },
    epochs: 2,
  });
  const ranges = counts?.map((count, i) => ({ start: counts.slice(0, i).reduce((a, b) => a + b, 0), count }));
  const config = resolveConfig(experiment);
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config, ...(ranges !== undefined && { ranges }) });
}

const models: Readonly<Record<string, unknown>> = {
  'ghost batch norm': sequential(conv2d(3, 3), batchNorm({ ghost: true }), relu, flatten, dense(3)),
  'group norm': sequential(conv2d(4, 3), groupNorm(2), relu, flatten, dense(3)),
  transformer: sequential(unflatten(8, 4), transformerBlock(4, 2, { dropout: 0.1 }), flatten, dense(3)),
  lstm: sequential(unflatten(4, 8), lstm(3, { output: 'last' }), dense(3)),
};

describe('independent rows', () => {
  it.each(Object.entries(models))(
    'give one fingerprint for every division of the shards: %s',
    async (_name, model) => {
      const whole = await train(model as Layer);
      const divided = await train(model as Layer, [3, 1]);
      expect(divided.fingerprint).toBe(whole.fingerprint);
      expect(divided.history).toEqual(whole.history);
      expect(whole.history.at(-1)!.loss).toBeGreaterThan(0);
    },
  );

  it('may use moments that respect the rows’ weights', async () => {
    const [whole, divided] = [await train(weighted()), await train(weighted(), [1, 2, 1])];
    expect(divided.fingerprint).toBe(whole.fingerprint);
  });
});

/** A user's layer that normalises a shard by itself. */
function weighted(): Layer {
  const plain = sequential(flatten, dense(3));
  const layer: typeof plain = {
    ...plain,
    apply(params, state, x, context) {
      const { mean } = localMoments(x, context.weights!);
      return plain.apply(params, state, x.sub(mean), context);
    },
  };
  return layer as unknown as Layer;
}
