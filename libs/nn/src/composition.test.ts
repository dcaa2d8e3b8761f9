import { foldIn, grad, normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { flatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  countParams,
  dense,
  dropout,
  frozen,
  lambda,
  parallel,
  relu,
  residual,
  residualWith,
  sequential,
  spatialDropout,
} from './index.ts';

const key = tensor(Uint32Array.of(7, 11));
const contextFor = (rows: number) => ({ training: true, key, weights: ones([rows]) });
const x = normal(key, [3, 4]);

describe('parallel', () => {
  it('combines what its branches make', () => {
    const branches = [lambda('double', (y) => y.mul(2)), lambda('square', (y) => y.square())] as const;
    const of = (how: 'sum' | 'product' | 'concat'): Tensor => {
      const layer = parallel(how, ...branches);
      return layer.apply([{}, {}], [{}, {}], tensor([[3, 5]]), contextFor(1))[0];
    };
    expect(of('sum').toArray()).toEqual([[15, 35]]);
    expect(of('product').toArray()).toEqual([[54, 250]]);
    expect(of('concat').toArray()).toEqual([[6, 10, 9, 25]]);
  });

  it('gives each branch its own key and state', () => {
    const layer = parallel('concat', batchNorm(), dropout(0.5), dropout(0.5));
    const { params, state } = layer.init(key, [4]);
    const [y, next] = layer.apply(params, state, ones([2, 4]), contextFor(2));
    expect(next[0].mean.data).not.toEqual(state[0].mean.data);
    expect(y.slice([0, 4], [2, 8]).data).not.toEqual(y.slice([0, 8], [2, 12]).data);
    const twins = parallel('sum', dense(2), dense(2)).init(key, [4]).params;
    expect(twins[1].kernel.data).toEqual(dense(2).init(foldIn(key, 1), [4]).params.kernel.data);
  });

  it('refuses results that do not fit, and having none', () => {
    expect(() => parallel('sum', dense(2), dense(3)).init(key, [4])).toThrow(
      /branches make \[2\] and \[3\]; to add them they must agree in shape/,
    );
    expect(() =>
      parallel(
        'concat',
        dense(2),
        lambda('flat', (y) => y.reshape([-1, 2, 2])),
      ).init(key, [4]),
    ).toThrow(/to join them they must agree in all axes but the last/);
    expect(() => parallel('sum')).toThrow(/has no branches/);
    expect(() => parallel('sum', relu, sequential(dense(2))).init(key, [])).toThrow(
      /^branch 1 \(sequential\): layer 0 \(dense\): dense: takes rows of features/,
    );
  });
});

describe('residual', () => {
  it('adds its input, with the parameters of its layers', () => {
    const layer = residual(dense(4), relu);
    const { params, state } = layer.init(key, [4]);
    const [y] = layer.apply(params, state, x, contextFor(3));
    const inner = x.matmul(params[0].kernel).add(params[0].bias!).relu();
    expect(y.data).toEqual(x.add(inner).data);
  });

  it('says what to do where the shape changes', () => {
    expect(() => residual(dense(3)).init(key, [4])).toThrow(
      /make \[3\] of \[4\], which cannot be added; use residualWith\(shortcut/,
    );
    const layer = residualWith(dense(3), dense(8), relu, dense(3));
    const { params, state, output } = layer.init(key, [4]);
    const [y] = layer.apply(params, state, x, contextFor(3));
    expect([output, y.shape]).toEqual([[3], [3, 3]]);
    expect(countParams(params)).toBe(15 + 40 + 27);
  });
});

describe('frozen', () => {
  it('has no gradient by its parameters, and one by its rows', () => {
    const layer = sequential(frozen(sequential(dense(5), relu)), dense(2));
    const { params, state } = layer.init(key, [4]);
    const loss = (p: typeof params, rows: Tensor): Tensor =>
      layer.apply(p, state, rows, contextFor(3))[0].square().sum();
    const [byParams, byRows] = grad(loss, [0, 1])(params, x) as [typeof params, Tensor];
    const [still, moved] = byParams.map((part) => flatten(part).leaves as Tensor[]);
    expect(still!.flatMap((leaf) => [...leaf.data]).every((value) => value === 0)).toBe(true);
    expect(moved!.every((leaf) => leaf.data.some((value) => value !== 0))).toBe(true);
    expect(byRows.data.some((value) => value !== 0)).toBe(true);
  });
});

describe('spatialDropout', () => {
  it('drops whole channels of a row', () => {
    const layer = spatialDropout(0.5);
    const [y] = layer.apply({}, {}, ones([20, 3, 2, 6]), contextFor(20));
    const ofChannel = y.mean([1, 2]).toArray() as number[][];
    for (const row of ofChannel) for (const mean of row) expect([0, 2]).toContain(mean);
    expect(new Set(ofChannel.flat()).size).toBe(2);
  });
});
