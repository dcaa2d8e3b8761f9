/** Loops, branches and checkpoints within a step: their results do not depend on the division of the shards. */
import {
  allReduceSum,
  checkpoint,
  cond,
  logSoftmax,
  normal,
  oneHot,
  scan,
  type Tensor,
  whileLoop,
  zeros,
} from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { sgd } from '@lockstep/optim';
import { expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Batch } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

const data = fromArrays(
  {
    x: Array.from({ length: 30 }, (_, i) =>
      Array.from({ length: 20 }, (_e, j) => ((i * 31 + j * 17) % 23) / 23),
    ),
    y: Array.from({ length: 30 }, (_, i) => i % 3),
  },
  { name: 'sequences', dtypes: { y: 'int32' } },
);

interface Params {
  readonly u: Tensor;
  readonly w: Tensor;
  readonly v: Tensor;
}

/** A recurrent network over five elements of four numbers. */
function loss({ u, w, v }: Params, { x, y }: Batch): Tensor {
  const rows = x!.shape[0]!;
  const elements = x!.reshape([rows, 5, 4]).transpose([1, 0, 2]);
  const cell = checkpoint((h: Tensor, element: Tensor) => element.matmul(u).add(h.matmul(w)).tanh());
  const [last, sums] = scan(
    (h, element) => {
      const next = cell(h, element);
      const sum = cond(
        w.sum().greater(0),
        () => next.sum(1),
        () => next.mul(2).sum(1),
      );
      return [next, sum];
    },
    zeros([rows, 6]),
    elements,
  );
  // Halves until all values are small.
  const small = whileLoop(
    (s) => s.abs().max().greater(0.1),
    (s) => s.mul(0.5),
    w.stopGradient(),
  );
  const logits = last
    .matmul(small)
    .matmul(v)
    .add(sums.mean(0).reshape([rows, 1]));
  return logSoftmax(logits).mul(oneHot(y!, 3)).sum(1).neg();
}

async function train(f: typeof loss, counts: readonly number[]) {
  const experiment = defineExperiment({
    data,
    init: (key: Tensor): Params => ({
      u: normal(key, [4, 6]),
      w: normal(key, [6, 6]),
      v: normal(key, [6, 3]),
    }),
    loss: f,
    optimizer: sgd(0.05),
    batch: { size: 17, shards: 4 },
    epochs: 2,
  });
  const ranges = counts.map((count, i) => ({ start: counts.slice(0, i).reduce((a, b) => a + b, 0), count }));
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config: resolveConfig(experiment), ranges });
}

it('give one fingerprint for every division of the shards', async () => {
  const whole = await train(loss, [4]);
  const divided = await train(loss, [1, 2, 1]);
  expect(divided.fingerprint).toBe(whole.fingerprint);
  expect(divided.history).toEqual(whole.history);
  expect(whole.history.every((entry) => entry.loss! > 0)).toBe(true);
});

it('refuse reductions over shards in their bodies', async () => {
  const summed = (params: Params, batch: Batch): Tensor =>
    scan((h) => [h.add(allReduceSum(h)), null], loss(params, batch), null, { length: 2 })[0];
  await expect(train(summed, [4])).rejects.toThrow(/scan: allReduceSum crosses shards/);
});
