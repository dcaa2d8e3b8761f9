import { jit, ones, type Tensor, tensor, zeros } from '@lockstep/autodiff';
import { leafPaths } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  dense,
  dropout,
  frozen,
  type Layer,
  lambda,
  parallel,
  relu,
  residual,
  residualWith,
  sequential,
  transformerBlock,
  watchLayers,
} from './index.ts';

const key = tensor(Uint32Array.of(7, 11));
const context = { training: true, key, weights: ones([3]) } as const;

/** Names and kinds of what is told while the layer is applied to rows of a shape. */
function told(layer: Layer, ...row: number[]): string[] {
  const { params, state } = layer.init(key, row);
  const names: string[] = [];
  watchLayers(
    ({ name, kind }) => names.push(`${name} ${kind}`),
    () => layer.apply(params, state, ones([3, ...row]), context),
  );
  return names;
}

describe('watchLayers', () => {
  it('tells the outputs of the layers of a chain, under the names of their parameters', () => {
    const model = sequential(dense(4), relu, sequential(batchNorm(), dropout(0.5)), dense(2));
    expect(told(model as Layer, 3)).toEqual([
      '0 dense',
      '1 relu',
      '2/0 batchNorm',
      '2/1 dropout',
      '2 sequential',
      '3 dense',
      ' sequential',
    ]);
    expect(leafPaths(model.init(key, [3]).params)).toContain('2/0/gamma');
  });

  it('gives values, also while a program is traced', () => {
    const model = sequential(dense(2), relu);
    const { params, state } = model.init(key, [3]);
    const outputs = (x: Tensor): Tensor[] => {
      const found: Tensor[] = [];
      watchLayers(
        ({ output }) => found.push(output),
        () => model.apply(params, state, x, context),
      );
      return found;
    };
    const [hidden, rectified, whole] = outputs(ones([3, 3])) as [Tensor, Tensor, Tensor];
    expect(rectified.toArray()).toEqual(relu(hidden).toArray());
    expect(whole).toBe(rectified);
    expect(jit(outputs)(ones([3, 3])).map((x) => x.toArray())).toEqual(
      [hidden, rectified, whole].map((x) => x.toArray()),
    );
  });

  it('names one layer once, though it may be made of another one', () => {
    const model = sequential(
      residual(dense(3), relu),
      residualWith(dense(2), frozen(dense(2))),
      parallel('concat', dense(1), relu),
    );
    expect(told(model as Layer, 3)).toEqual([
      '0/0 dense',
      '0/1 relu',
      '0 residual',
      '1/0 dense',
      '1/1/0 frozen dense',
      '1/1 sequential',
      '1 residual',
      '2/0 dense',
      '2/1 relu',
      '2 parallel',
      ' sequential',
    ]);
    expect(told(dense(2) as Layer, 3)).toEqual([' dense']);
    expect(told(transformerBlock(4, 2) as Layer, 5, 4)).toContain('0/1 multiHeadAttention');
  });

  it('names layers that other code applies by their parameters, else by their kind', () => {
    const [inner, drop] = [sequential(dense(2), relu), dropout(0.1)];
    const own: Layer = {
      kind: 'own',
      init: (k, input) => {
        const { params, state, output } = inner.init(k, input);
        return {
          params: { scale: ones([]), inner: params as never },
          state: { inner: state as never },
          output,
        };
      },
      apply(params, state, x, given) {
        const { inner: ofInner } = params as { readonly inner: never };
        const [y] = inner.apply(ofInner, (state as { readonly inner: never }).inner, x, given);
        return [drop.apply({}, {}, y, given)[0], state];
      },
    };
    expect(told(sequential(relu, own) as Layer, 3)).toEqual([
      '0 relu',
      '1/inner/0 dense',
      '1/inner/1 relu',
      '1/inner sequential',
      '1/dropout dropout',
      '1 own',
      ' sequential',
    ]);
  });

  it('names the layers of a function by the parameters that it is given', () => {
    const [encoder, decoder] = [sequential(dense(2), relu), frozen(dense(3))];
    const params = { encoder: encoder.init(key, [3]).params, decoder: decoder.init(key, [2]).params };
    const names: string[] = [];
    watchLayers(
      ({ name, kind }) => names.push(`${name} ${kind}`),
      () => {
        const [code] = encoder.apply(params.encoder, [{}, {}], ones([3, 3]), context);
        lambda('scale', (x) => x.mul(2)).apply(
          {},
          {},
          decoder.apply(params.decoder, {}, code, context)[0],
          context,
        );
      },
      params,
    );
    expect(names).toEqual([
      'encoder/0 dense',
      'encoder/1 relu',
      'encoder sequential',
      'decoder frozen dense',
      'scale scale',
    ]);
  });

  it('watches nothing outside of its call, nor after an error', () => {
    const model = sequential(
      dense(2),
      lambda('fails', () => zeros([]).reshape([5])),
    );
    const names: string[] = [];
    const initial = dense(2).init(key, [3]).params;
    expect(() =>
      watchLayers(
        ({ name }) => names.push(name),
        () => model.apply([initial, {}], [{}, {}], ones([3, 3]), context),
      ),
    ).toThrow(/reshape/);
    dense(2).apply(initial, {}, ones([3, 3]), context);
    expect(names).toEqual(['0']);
  });
});
