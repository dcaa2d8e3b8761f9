import { zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { adam } from '@lockstep/optim';
import { expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { describePrograms } from './describe.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

it('describes the programs of a step by the names of the experiment', async () => {
  const experiment = defineExperiment({
    data: fromArrays({
      x: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      y: [0, 1],
    }),
    init: () => ({ weights: zeros([3]), bias: zeros([]) }),
    loss: ({ weights, bias }, { x, y }) => x.matmul(weights).add(bias).sub(y).square(),
    optimizer: adam(0.1),
    batch: { size: 8, shards: 2 },
    steps: 3,
  });
  const programs = compilePrograms(experiment, await experiment.data.load(), resolveConfig(experiment), 3);
  const { shard, update, ...sizes } = describePrograms(programs, 2);
  expect(sizes).toEqual({ shards: 2, rowsPerShard: 4 });
  expect(shard.inputs.map(({ name }) => name)).toEqual([
    ...['params/bias', 'params/weights'],
    ...['batch/x', 'batch/y', 'weights', 'keys'],
  ]);
  expect(shard.inputs[2]).toMatchObject({ dtype: 'float32', shape: [2, 4, 3] });
  // One bucket carries the gradients of bias and weights, the loss and the number of samples.
  expect(shard.segments.map(({ exchange }) => exchange)).toEqual([[{ combine: 'sum', size: 6 }], []]);
  expect(update.inputs.at(-1)).toMatchObject({ name: 'step', shape: [] });
  // One segment computes the guard, the other the update.
  expect(update.segments).toHaveLength(2);
  const fused = update.segments[1]!.equations.find(({ outputs }) => outputs[0]!.shape.join() === '3');
  expect(fused!.steps.length).toBeGreaterThan(10);
  expect(update.numRun).toBeLessThan(update.numTraced / 3);
});
