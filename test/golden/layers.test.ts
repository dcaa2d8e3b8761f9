/** Single layers against PyTorch in float64, values and gradients. */
import { grad, ones, type Tensor, zeros } from '@lockstep/autodiff';
import {
  conv2d,
  embedding,
  type Layer,
  maxPool,
  sigmoid,
  softmaxCrossEntropy,
  type TensorTree,
  tanh,
} from '@lockstep/nn';
import { describe, expect, it } from 'vitest';
import { distance, readReference } from './reference.ts';

const reference = readReference('layers');

/** `f`, which takes the named inputs, gives the reference's output, and its gradients are the reference's too. */
function expectReference(
  prefix: string,
  inputs: readonly string[],
  f: (...inputs: Tensor[]) => Tensor,
): void {
  const of = (name: string) => reference(`${prefix}/${name}`);
  const values = inputs.map(of);
  expect(distance(f(...values), of('output'))).toBeLessThan(1e-12);
  const gradients = grad(
    (...xs: Tensor[]) =>
      f(...xs)
        .mul(of('upstream'))
        .sum(),
    inputs.map((_, i) => i),
  )(...values) as Tensor[];
  for (const [i, name] of inputs.entries()) {
    expect(distance(gradients[i]!, of(`d${name}`))).toBeLessThan(1e-12);
  }
}

/** A layer of one state-free call on parameters and rows. */
function applied<P extends TensorTree, S>(layer: Layer<P, S>, params: P, x: Tensor): Tensor {
  const key = zeros([2], 'uint32');
  const context = { training: true, key, weights: ones([x.shape[0]!]) };
  return layer.apply(params, layer.init(key, x.shape.slice(1)).state, x, context)[0];
}

describe('layers are PyTorch’s', () => {
  for (const stride of [1, 2]) {
    for (const padding of [0, 1]) {
      it(`conv2d, stride ${stride}, padding ${padding}`, () => {
        const layer = conv2d(3, 3, { stride, padding });
        expectReference(`conv2d/stride${stride}pad${padding}`, ['x', 'kernel', 'bias'], (x, kernel, bias) =>
          applied(layer, { kernel: kernel!, bias: bias! }, x!),
        );
      });
    }
  }

  for (const window of [2, 3]) {
    it(`maxPool, window ${window}, stride 2`, () => {
      expectReference(`maxPool/window${window}stride2`, ['x'], (x) => applied(maxPool(window, 2), {}, x!));
    });
  }

  it('embedding', () => {
    expectReference('embedding', ['table'], (table) =>
      applied(embedding(6, 4), { table: table! }, reference('embedding/indices')),
    );
  });

  it('softmaxCrossEntropy', () => {
    const labels = reference('softmaxCrossEntropy/labels');
    expectReference('softmaxCrossEntropy', ['logits'], (logits) => softmaxCrossEntropy()(logits!, labels));
  });

  it('sigmoid and tanh', () => {
    expectReference('sigmoid', ['x'], (x) => sigmoid(x!));
    expectReference('tanh', ['x'], (x) => tanh(x!));
  });
});
