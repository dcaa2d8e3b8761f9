/** Every loss that PyTorch has too, against it in float64: a value for each sample, and gradients. */
import { grad, type Tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { losses } from './cases.ts';
import { distance, readReference } from './reference.ts';

const reference = readReference('losses');

describe('losses are PyTorch’s', () => {
  it.each(Object.entries(losses))('%s', (name, loss) => {
    const of = (part: string): Tensor => reference(`${name}/${part}`);
    const [prediction, target] = [of('prediction'), of('target')];
    expect(distance(loss(prediction, target), of('output'))).toBeLessThan(1e-12);
    const gradient = grad((x: Tensor) => loss(x, target).mul(of('upstream')).sum())(prediction);
    expect(distance(gradient, of('dprediction'))).toBeLessThan(1e-12);
  });

  it('all that the file holds', () => {
    const held = reference.names.filter((name) => name.endsWith('/output')).map((name) => name.slice(0, -7));
    expect(held.sort()).toEqual(Object.keys(losses).sort());
  });
});
