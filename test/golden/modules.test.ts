/** Every layer that PyTorch has too, against it in float64: values, and gradients of rows and parameters. */
import { grad, type Tensor } from '@lockstep/autodiff';
import { asLayer, type TensorTree } from '@lockstep/nn';
import { flatten, leafPaths, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { layers } from './cases.ts';
import { distance, readReference } from './reference.ts';
import { key, training } from './training.ts';

const reference = readReference('modules');

describe('layers are PyTorch’s', () => {
  it.each(Object.entries(layers))('%s', (name, item) => {
    const of = (path: string): Tensor => reference(`${name}/${path}`);
    const layer = asLayer(item);
    const x = of('x');
    const initial = layer.init(key, x.shape.slice(1));
    const paths = leafPaths(initial.params);
    const { leaves, structure } = flatten(initial.params);
    const params = paths.map((path) => of(`params/${path}`));
    expect(params.map(({ shape }) => shape)).toEqual((leaves as Tensor[]).map(({ shape }) => shape));
    const output = (rows: Tensor, ...values: Tensor[]): Tensor =>
      layer.apply(unflatten(structure, values) as TensorTree, initial.state, rows, training(rows))[0];
    const found = output(x, ...params);
    expect(found.shape.slice(1)).toEqual(initial.output);
    expect(distance(found, of('output'))).toBeLessThan(1e-12);
    const gradients = grad(
      (...all: Tensor[]) =>
        output(...(all as [Tensor]))
          .mul(of('upstream'))
          .sum(),
      [x, ...params].map((_, i) => i),
    )(x, ...params) as Tensor[];
    for (const [i, path] of ['x', ...paths.map((path) => `params/${path}`)].entries()) {
      expect(distance(gradients[i]!, of(`d${path}`)), `gradient of ${path}`).toBeLessThan(1e-12);
    }
  });

  it('all that the file holds', () => {
    const held = reference.names.filter((name) => name.endsWith('/output')).map((name) => name.slice(0, -7));
    expect(held.sort()).toEqual(Object.keys(layers).sort());
  });
});
