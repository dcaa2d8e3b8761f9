import { tmpdir } from 'node:os';
import { fromArrays } from '@lockstep/data';
import { dense, meanSquaredError, relu, sequential } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { minimize, random, uniform } from '@lockstep/search';
import { type CostLimits, defineSweep } from '@lockstep/sweep';
import { defineExperiment, resolveConfig } from '@lockstep/training';
import { expect, it } from 'vitest';
import { createCostCounter } from './trial-cost.ts';

const rows = Array.from({ length: 16 }, (_, i) => [i % 3, i % 5]);
let numLoads = 0;
const source = fromArrays({ x: rows, y: rows });
const experiment = defineExperiment({
  data: {
    ...source,
    load(options) {
      numLoads++;
      return source.load(options);
    },
  },
  model: sequential(dense(3), relu, dense(2)),
  loss: meanSquaredError(),
  optimizer: sgd(0.1),
  batch: { size: 8, shards: 4 },
  steps: 2,
});

function counter(limits?: CostLimits, metric = 'cost/parameters') {
  const sweep = defineSweep({
    ...{ experiment: './x.ts', space: { rate: uniform(0, 1) }, search: random(), trials: 2 },
    ...{ objective: minimize(metric), ...(limits && { limits }) },
  });
  const module = { bundle: new Uint8Array(0), hash: '0', project: { root: tmpdir() } } as never;
  return createCostCounter(sweep, module);
}

const run = { name: 'x', experiment, config: resolveConfig(experiment) };

it('counts parameters and the operations of a step, and loads the data once', async () => {
  const costs = counter();
  const first = await costs.costsOf(run);
  expect(first['cost/parameters']).toBe(2 * 3 + 3 + 3 * 2 + 2);
  // Forward and backward of eight rows: at least six operations for each weight and row.
  expect(first['cost/flops']).toBeGreaterThan(6 * 12 * 8);
  expect(await costs.costsOf(run)).toEqual(first);
  expect(numLoads).toBe(1);
});

it('refuses what costs more than a limit', async () => {
  const bounded = counter({ parameters: 16 }, 'validation/loss');
  expect(bounded.refusal(await bounded.costsOf(run))).toBe('cost/parameters is 17, and the limit is 16');
  const wide = counter({ parameters: 17, flops: 1e9 }, 'validation/loss');
  expect(wide.refusal(await wide.costsOf(run))).toBeUndefined();
});

it('counts nothing where nobody asks', async () => {
  expect(await counter(undefined, 'validation/loss').costsOf(run)).toEqual({});
});
