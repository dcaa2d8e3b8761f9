import { concatenate, full, normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { type BatchNormState, batchNorm } from './batch-norm.ts';

const key = tensor(Uint32Array.of(1, 2));
const layer = batchNorm();
const { params, state } = layer.init(key, [4, 3]);

/** In float64, with the layer's first parameters. */
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

  it('uses the running moments in evaluation and leaves them', () => {
    const running = { mean: tensor([1, 2, 3]), variance: tensor([4, 9, 16]) };
    const rows = tensor([[5, 8, 11]]);
    const [y, next] = applied(rows, ones([1]), false, running);
    expect(largest(y.sub([2, 2, 2]))).toBeLessThan(1e-5);
    expect(next.mean.data).toEqual(running.mean.data);
  });

  it('stays finite for a single value a channel', () => {
    const [y, next] = applied(tensor([[5, 8, 11]]));
    expect([...y.data]).toEqual([0, 0, 0]);
    expect([...next.variance.data]).toEqual([0.9, 0.9, 0.9]);
  });
});
