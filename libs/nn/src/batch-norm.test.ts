import {
  allReduceSum,
  concatenate,
  full,
  normal,
  ones,
  overShards,
  planProgram,
  relu,
  stack,
  type Tensor,
  tensor,
  traceProgram,
  valueAndGradWithAux,
} from '@lockstep/autodiff';
import { flatten, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { type BatchNormState, batchNorm } from './batch-norm.ts';
import { dense } from './dense.ts';
import { sequential } from './sequential.ts';

const key = tensor(Uint32Array.of(1, 2));
const layer = batchNorm();
const { params, state } = layer.init(key, [4, 3]);

/** The expected result in float64, with the layer's initial parameters. */
function applied(
  x: Tensor,
  weights = ones([x.shape[0]!]),
  training = true,
  from = state,
): [Tensor, BatchNormState] {
  const double = (t: Tensor): Tensor => t.cast('float64');
  return layer.apply(
    { gamma: double(params.gamma), beta: double(params.beta) },
    { mean: double(from.mean), variance: double(from.variance) },
    double(x),
    { training, key, weights },
  );
}

const largest = (x: Tensor): number => Math.max(...x.abs().data);

describe('batchNorm', () => {
  const x = normal(key, [6, 4, 3]).mul(3).add([1, -2, 30]);

  it('gives every channel mean 0 and variance 1', () => {
    const [y] = applied(x);
    expect(largest(y.mean([0, 1]))).toBeLessThan(1e-12);
    expect(largest(y.square().mean([0, 1]).sub(1))).toBeLessThan(1e-5);
  });

  it('counts only rows of weight 1', () => {
    const filled = concatenate([x, full([2, 4, 3], 1e6)]);
    const weights = tensor([1, 1, 1, 1, 1, 1, 0, 0], { dtype: 'float32' });
    const [y, next] = applied(filled, weights);
    const [expected, expectedNext] = applied(x);
    expect(largest(y.slice([0], [6]).sub(expected))).toBeLessThan(1e-12);
    expect(largest(next.variance.sub(expectedNext.variance))).toBeLessThan(1e-12);
  });

  it('moves the running moments by PyTorch’s rule', () => {
    // Values 1 and 4: mean 2.5, unbiased variance 4.5.
    const [, next] = applied(tensor([[[1, 1, 1]], [[4, 4, 4]]]));
    expect([...next.mean.data]).toEqual([0.25, 0.25, 0.25]);
    for (const variance of next.variance.data) expect(variance).toBeCloseTo(0.9 + 0.45, 12);
  });

  it('uses the running moments in evaluation without changing them', () => {
    const running = { mean: tensor([1, 2, 3]), variance: tensor([4, 9, 16]) };
    const rows = tensor([[5, 8, 11]]);
    const [y, next] = applied(rows, ones([1]), false, running);
    expect(largest(y.sub([2, 2, 2]))).toBeLessThan(1e-5);
    expect(next.mean.data).toEqual(running.mean.data);
  });

  it('stays finite for a single value per channel', () => {
    const [y, next] = applied(tensor([[5, 8, 11]]));
    expect([...y.data]).toEqual([0, 0, 0]);
    expect([...next.variance.data]).toEqual([0.9, 0.9, 0.9]);
  });
});

describe('batchNorm with ghost batches', () => {
  const ghost = batchNorm({ ghost: true });
  const x = normal(key, [3, 4, 5, 3], 'float64').mul(3).add([1, -2, 30]);
  // The second shard ends in a padding row; the third has padding only.
  const weights = tensor([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], { shape: [3, 4] });
  const shards = concatenate([x, x.slice([0], [1])]);
  const shardWeights = concatenate([weights, tensor([0, 0, 0, 0], { shape: [1, 4] })]);
  const double = { gamma: params.gamma.cast('float64'), beta: params.beta.cast('float64') };
  const from = { mean: state.mean.cast('float64'), variance: state.variance.cast('float64') };
  const running = overShards(
    (rows: Tensor, w: Tensor) => {
      const [, next] = ghost.apply(double, from, rows, { training: true, key, weights: w });
      return next;
    },
    [0, 0],
    () => 'it',
  )(shards, shardWeights);

  it('normalises each shard by its own rows', () => {
    for (const shard of [0, 1]) {
      const kept = shard === 0 ? 4 : 3;
      const [alone] = ghost.apply(double, from, x.at(shard), {
        training: true,
        key,
        weights: weights.at(shard),
      });
      const [expected] = applied(x.at(shard).slice([0], [kept]));
      expect(largest(alone.slice([0], [kept]).sub(expected))).toBeLessThan(1e-12);
    }
    const [filling] = ghost.apply(double, from, x.at(2), { training: true, key, weights: weights.at(2) });
    expect([...filling.data].every(Number.isFinite)).toBe(true);
  });

  it('keeps running moments of all rows of the step', () => {
    const kept = concatenate([x.at(0), x.at(1).slice([0], [3])]);
    const [, expected] = applied(kept);
    expect(largest(running.mean.sub(expected.mean))).toBeLessThan(1e-12);
    expect(largest(running.variance.sub(expected.variance))).toBeLessThan(1e-12);
  });

  it('exchanges nothing before the end of a step', () => {
    const exchanges = (norm: typeof ghost): number => {
      const model = sequential(norm, relu, dense(3), norm);
      const initial = model.init(key, [5]);
      const { leaves, structure } = flatten(initial.params);
      const step = overShards(
        (rows: Tensor, w: Tensor, ...values: Tensor[]) => {
          const [[, next], grads] = valueAndGradWithAux((own: typeof initial.params) => {
            const [y, after] = model.apply(own, initial.state, rows, { training: true, key, weights: w });
            return [y.square().sum(), after];
          })(unflatten(structure, values) as typeof initial.params);
          return [
            ...flatten(next).leaves,
            ...flatten(grads).leaves.map((g) => allReduceSum(g as Tensor)),
          ] as Tensor[];
        },
        [0, 0, ...leaves.map(() => null)],
        () => 'it',
      );
      const inputs = [normal(key, [2, 4, 5]), ones([2, 4]), ...(leaves as Tensor[])];
      return planProgram(traceProgram((...all) => step(...(all as [Tensor, Tensor])), inputs)).exchanges
        .length;
    };
    expect(exchanges(ghost)).toBe(1);
    expect(exchanges(batchNorm())).toBeGreaterThan(2);
  });

  it('evaluates like any batchNorm', () => {
    const rows = stack([tensor([5, 8, 11])]);
    const context = { training: false, key, weights: ones([1]) };
    expect(ghost.apply(double, from, rows, context)[0].data).toEqual(
      batchNorm().apply(double, from, rows, context)[0].data,
    );
  });
});
