import { foldIn, ones, type Tensor, tensor, zeros } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { batchNorm } from './batch-norm.ts';
import { conv2d } from './convolution.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { asLayer } from './layer.ts';
import { maxPool } from './pooling.ts';
import { sequential } from './sequential.ts';
import { flatten } from './shape.ts';

const key = tensor(Uint32Array.of(7, 11));
const relu = (x: Tensor): Tensor => x.relu();
const contextFor = (rows: number, training = true) => ({ training, key, weights: ones([rows]) });

describe('sequential', () => {
  const model = sequential(conv2d(3, 3), relu, sequential(batchNorm(), maxPool(2)), flatten, dense(4));

  it('has one entry per layer and infers their types', () => {
    const { params, state, output } = model.init(key, [4, 4, 1]);
    expect(params[0].kernel.shape).toEqual([3, 3, 1, 3]);
    expect(params[2][0].gamma.shape).toEqual([3]);
    expect(params[4].kernel.shape).toEqual([12, 4]);
    expect(state[2][0].variance.shape).toEqual([3]);
    expect([params.length, state.length]).toEqual([5, 5]);
    expect(params[1]).toEqual({});
    expect(output).toEqual([4]);
  });

  it('draws each layer from a key that depends on its index', () => {
    const { params } = model.init(key, [4, 4, 1]);
    const alone = dense(4).init(foldIn(key, 4), [12]);
    expect(params[4].kernel.data).toEqual(alone.params.kernel.data);
    const longer = sequential(conv2d(3, 3), relu, flatten, relu, dense(4)).init(key, [4, 4, 1]);
    expect(longer.params[0].kernel.data).toEqual(params[0].kernel.data);
  });

  it('gives equal layers different values, and random layers different masks', () => {
    const twins = sequential(dense(4), dense(4)).init(key, [4]);
    expect(twins.params[0].kernel.data).not.toEqual(twins.params[1].kernel.data);
    const masks = sequential(dropout(0.5), dropout(0.5));
    const { params, state } = masks.init(key, [1000]);
    const [y] = masks.apply(params, state, ones([1, 1000]), contextFor(1));
    const kept = y.data.filter((value) => value !== 0).length;
    expect(kept).toBeGreaterThan(200);
    expect(kept).toBeLessThan(300);
  });

  it('passes the state on', () => {
    const { params, state } = model.init(key, [4, 4, 1]);
    const x = ones([2, 4, 4, 1]);
    const [, next] = model.apply(params, state, x, contextFor(2));
    expect(next[2][0].mean.data).not.toEqual(state[2][0].mean.data);
    expect(model.apply(params, state, x, contextFor(2, false))[1]).toEqual(state);
  });
});

describe('errors say which layer', () => {
  const thrownBy = (run: () => unknown): LockstepError => {
    try {
      run();
    } catch (error) {
      if (error instanceof LockstepError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  it('when a model is made', () => {
    const error = thrownBy(() => sequential(flatten, conv2d(4, 3)).init(key, [8, 8, 1]));
    expect(error.message).toMatch(/^layer 1 \(conv2d\): .*\[64\].*reshape them first$/);
    expect(error).toMatchObject({ code: 'shape', facts: { layer: 1, kind: 'conv2d' } });
    expect(error.cause).toBeInstanceOf(LockstepError);
  });

  it('inside nested models, from the outermost layer inwards', () => {
    const nested = sequential(relu, sequential(flatten, maxPool(2)));
    expect(thrownBy(() => nested.init(key, [8, 8, 1])).message).toMatch(
      /^layer 1 \(sequential\): layer 1 \(maxPool\): maxPool: /,
    );
  });

  it('when it is applied to rows of another shape', () => {
    const model = sequential(relu, dense(3));
    const { params, state } = model.init(key, [5]);
    const error = thrownBy(() => model.apply(params, state, zeros([2, 6]), contextFor(2)));
    expect(error.message).toMatch(/^layer 1 \(dense\): matmul: inner dimensions differ: \[2, 6\] × \[5, 3\]/);
  });

  it('and name functions', () => {
    function total(x: Tensor): Tensor {
      return x.sum(0);
    }
    expect(thrownBy(() => sequential(total).init(key, [5])).message).toMatch(
      /^layer 0 \(total\): .*keep the batch axis/,
    );
    expect(asLayer(relu).kind).toBe('relu');
  });

  it('and are thrown at once for invalid sizes', () => {
    expect(() => dense(0)).toThrow(/dense: units is 0; it must be a whole number ≥ 1/);
    expect(() => conv2d(4, 2.5)).toThrow(/conv2d: kernelSize is 2.5/);
    expect(() => dense(3).init(key, [])).toThrow(/dense: takes rows of features/);
    expect(() => batchNorm().init(key, [])).toThrow(/batchNorm: takes rows with a channel axis/);
  });
});
