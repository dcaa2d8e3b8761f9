/** The search for the operation that makes a step non-finite. */

import { runInThisContext } from 'node:vm';
import { normal, type Tensor, tensor } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { batchNorm, dense, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';
import { searchNonFinite } from './search.ts';

async function search(experiment: Experiment) {
  const [dataset, config] = [await experiment.data.load(), resolveConfig(experiment)];
  const { nonFinite, arrays } = trainLocally({ experiment, dataset, config });
  expect(nonFinite?.cause).toBe('step');
  return searchNonFinite({ experiment, dataset, config, step: nonFinite!.step, arrays });
}

const inputs = (values: readonly number[]) =>
  fromArrays(
    { x: values.map((value) => [value]), y: values.map((_, i) => i % 2) },
    {
      name: 'inputs',
      dtypes: { y: 'int32' },
    },
  );

it('names the operation, its line and the shard with the sample', async () => {
  // Only sample 5 is negative.
  const values = Array.from({ length: 8 }, (_, i) => (i === 5 ? -1 : 1));
  const experiment = defineExperiment({
    data: inputs(values),
    init: () => ({ w: tensor(new Float32Array([1]), { shape: [] }) }),
    loss: runInThisContext('({ w }, { x }) =>\n  x.squeeze(1).mul(w).log().neg()', {
      filename: '/home/me/points.ts',
    }),
    optimizer: sgd(0.01),
    batch: { size: 8, shards: 8 },
    steps: 3,
  });
  const searched = await search(experiment);
  expect(searched?.found).toMatchObject({ phase: 'forward', op: 'log' });
  expect(searched?.found.site).toBe('/home/me/points.ts:2:23');
  expect(searched?.shard).toBeGreaterThanOrEqual(0);
});

it('searches layers that have state', async () => {
  const experiment = defineExperiment({
    data: inputs([1, 2, 3, 4]),
    model: sequential(dense(4), batchNorm(), relu, dense(2)),
    loss: (outputs, labels) => softmaxCrossEntropy()(outputs, labels).sub(1e3).sqrt(),
    optimizer: sgd(0.01),
    batch: { size: 4, shards: 2 },
  });
  expect((await search(experiment))?.found).toMatchObject({ phase: 'forward', op: 'sqrt' });
});

it('finds operations of the backward pass and of the penalty', async () => {
  const recipe = {
    data: inputs([1, 1, 1, 1]),
    init: (key: Tensor) => ({ w: normal(key, []), zero: tensor(new Float32Array([0]), { shape: [] }) }),
    optimizer: sgd(0.01),
    batch: { size: 4, shards: 2 },
  };
  type Params = ReturnType<typeof recipe.init>;
  const slope = defineExperiment({
    ...recipe,
    loss: ({ w, zero }: Params, { x }) => x.squeeze(1).mul(zero.sqrt()).mul(w),
  });
  expect(await search(slope)).toMatchObject({ shard: 0, found: { phase: 'backward', rule: { op: 'sqrt' } } });
  const penalty = defineExperiment({
    ...recipe,
    loss: ({ w }: Params, { x }) => x.squeeze(1).mul(w),
    penalty: ({ zero }: Params) => zero.log(),
  });
  const searched = await search(penalty);
  expect(searched?.shard).toBeUndefined();
  expect(searched?.found).toMatchObject({ op: 'log' });
});
