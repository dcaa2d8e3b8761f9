import { fromArrays } from '@lockstep/data';
import { dense, meanSquaredError, sequential } from '@lockstep/nn';
import { sgd, warmup } from '@lockstep/optim';
import { createPlanCache, defineExperiment, resolveConfig } from '@lockstep/training';
import { expect, it } from 'vitest';
import { compileExperiment } from './compiled-experiment.ts';

const data = fromArrays(
  { x: [[0], [1], [2], [3]], y: [[1], [3], [5], [7]] },
  { name: 'line', dtypes: { y: 'float32' } },
);

it('shares plans with the experiment that was compiled before it', async () => {
  const dataset = await data.load();
  const compiled = (rate: number, epochs: number, cache?: ReturnType<typeof createPlanCache>) => {
    const experiment = defineExperiment({
      data,
      model: sequential(dense(1)),
      loss: meanSquaredError(),
      optimizer: sgd(warmup(2, (step, totalSteps) => step.mul(-rate / totalSteps).add(rate))),
      batch: { size: 2, shards: 2 },
      epochs,
    });
    return compileExperiment(experiment, dataset, resolveConfig(experiment), { ...(cache && { cache }) });
  };
  const cache = createPlanCache({ maxPlans: 8 });
  const first = compiled(0.1, 3, cache);
  const second = compiled(0.3, 7, cache);
  const alone = compiled(0.3, 7);
  expect(second.compiled).toEqual(alone.compiled);
  expect(second.plan([2])).toEqual(alone.plan([2]));
  expect(second.compiled.hashes.update).not.toBe(first.compiled.hashes.update);
  expect(second.compiled.programs.update.places).toBe(first.compiled.programs.update.places);
});
