import { foldIn, grad, jit, normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { flatten, frozenLeaves, leafPaths } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  countParams,
  dense,
  dropout,
  frozen,
  l2,
  lambda,
  lstm,
  multiHeadAttention,
  parallel,
  relu,
  residual,
  residualWith,
  sequential,
  spatialDropout,
  unflatten,
} from './index.ts';

const key = tensor(Uint32Array.of(7, 11));
const contextFor = (rows: number) => ({ training: true, key, weights: ones([rows]) });
const x = normal(key, [3, 4]);

describe('parallel', () => {
  it('combines the results of its branches', () => {
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

  it('refuses results that do not fit, and an empty list', () => {
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

  it('suggests a shortcut if the shape changes', () => {
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
  it('has a gradient by its rows and none by its parameters', () => {
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

  it('keeps its mark at any depth, through differentiation and compilation', () => {
    const layer = sequential(
      residual(frozen(dense(4))),
      parallel('sum', dense(2), frozen(sequential(dense(3), relu, dense(2)))),
    );
    const { params } = layer.init(key, [4]);
    const expected = leafPaths(params).map((path) => path.startsWith('0/') || path.startsWith('1/1/'));
    expect(frozenLeaves(params)).toEqual(expected);
    const squares = (p: typeof params): Tensor => l2(1)(p);
    expect(frozenLeaves(grad(squares)(params))).toEqual(expected);
    expect(frozenLeaves(jit((p: typeof params) => p)(params))).toEqual(expected);
  });

  it('is not penalised by l2, eagerly and compiled', () => {
    const layer = sequential(frozen(dense(3)), dense(2));
    const { params } = layer.init(key, [4]);
    const trained = l2(0.5)([params[1]]).item();
    expect(l2(0.5)(params).item()).toBe(trained);
    const penalty = jit((p: unknown) => l2(0.5)(p)) as (p: typeof params) => Tensor;
    expect(penalty([{ ...params[0] }, params[1]] as const).item()).toBe(trained);
    // Without the mark the same arrays give another program, in which they count as parameters.
    const plain = [{ kernel: params[0].kernel, bias: params[0].bias! }, params[1]] as const;
    expect(penalty(plain as typeof params).item()).toBeGreaterThan(trained);
    expect(() => l2(1)(frozen(dense(3)).init(key, [4]).params)).toThrow(
      /no trained parameter has two or more axes/,
    );
  });

  it('still moves the running moments of a batch norm in training', () => {
    const layer = frozen(batchNorm());
    const { params, state } = layer.init(key, [4]);
    const [, next] = layer.apply(params, state, x, contextFor(3));
    expect(next.mean.data).not.toEqual(state.mean.data);
    const [, kept] = layer.apply(params, state, x, { training: false });
    expect(kept).toBe(state);
  });
});

describe('contexts', () => {
  const model = sequential(
    residual(dense(4), batchNorm(), dropout(0.5)),
    parallel('concat', dense(2), dropout(0.1)),
    unflatten(3, 2),
    lstm(4, { layers: 2, dropout: 0.2 }),
    multiHeadAttention(4, 2, { dropout: 0.1 }),
  );
  const { params, state } = model.init(key, [4]);

  it('of evaluation need neither key nor weights', () => {
    const [y] = model.apply(params, state, x, { training: false });
    expect(y.data).toEqual(
      model.apply(params, state, x, { training: false, key, weights: ones([3]) })[0].data,
    );
    const withoutContext = model.apply as unknown as (...args: unknown[]) => [Tensor];
    expect(withoutContext(params, state, x)[0].data).toEqual(y.data);
  });

  it('of training must have key and weights', () => {
    const training = true as const;
    const apply = (context: object) => () => model.apply(params, state, x, context as never);
    expect(apply({ training, weights: ones([3]) })).toThrow(
      'layer 0 (residual): layer 2 (dropout): dropout: the context has no key; training needs a key to draw from',
    );
    expect(apply({ training, key })).toThrow(/batchNorm: the context has no weights; .*ones\(\[rows\]\)/);
  });
});

describe("a user's layer", () => {
  const layer = (made: unknown, result: (y: Tensor) => unknown = (y) => [y, {}]) =>
    sequential(dense(4), {
      kind: 'scale',
      init: () => made,
      apply: (_p: unknown, _s: unknown, y: Tensor) => result(y),
    } as never);
  const whole = { params: {}, state: {}, output: [4] };

  it('is refused if init lacks a part', () => {
    const init = (made: unknown) => () => layer(made).init(key, [4]);
    expect(init({ params: {}, state: {} })).toThrow(
      'layer 1 (scale): scale: init gives no output; it gives { params, state, output }: {} where there are no parameters or no state, and output is the shape of one row of the result, such as [16]',
    );
    expect(init({ output: [4] })).toThrow(/init gives no params and no state/);
    expect(init(undefined)).toThrow(/init gives no params and no state and no output/);
    expect(init({ ...whole, output: 4 })).toThrow(/init gives the output 4/);
    expect(init({ ...whole, output: [4, Number.NaN] })).toThrow(/init gives the output 4,NaN/);
    expect(init(whole)().output).toEqual([4]);
  });

  it('is refused if apply returns no state', () => {
    const apply = (result: (y: Tensor) => unknown) => () => {
      const own = layer(whole, result);
      const { params, state } = own.init(key, [4]);
      return own.apply(params, state, x, { training: false });
    };
    expect(apply((y) => y)).toThrow(
      'layer 1 (scale): scale: apply gives a tensor alone; it gives [y, state]',
    );
    expect(apply(() => undefined)).toThrow(/apply gives a value of type undefined/);
    expect(apply((y) => [y, {}])()[0].shape).toEqual([3, 4]);
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
