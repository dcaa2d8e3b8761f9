import { describe, expect, it } from 'vitest';
import * as lockstep from './index.ts';

const { tensor, keyTensor, add, sub, mul, div, maximum, minimum, equal, less, greaterEqual } = lockstep;

describe('superfluous arguments', () => {
  it.each(Object.entries({ add, sub, mul, div, maximum, minimum, equal, less, greaterEqual }))(
    '%s refuses a third tensor, instead of leaving it out',
    (name, two) => {
      const op = two as (...args: readonly unknown[]) => unknown;
      const [a, b, c] = [tensor([1]), tensor([2]), tensor([3])];
      expect(() => op(a, b, c)).toThrow(`${name}: takes two tensors, not three`);
    },
  );

  it('add may be passed to reduce and map', () => {
    const xs = [tensor([1]), tensor([2]), tensor([4])];
    expect(xs.reduce(add).toArray()).toEqual([7]);
  });

  it.each([
    ['addDecayedWeights', lockstep.addDecayedWeights],
    ['clipByValue', lockstep.clipByValue],
    ['clipByNorm', lockstep.clipByNorm],
    ['clipByGlobalNorm', lockstep.clipByGlobalNorm],
    ['dropout', lockstep.dropout],
    ['spatialDropout', lockstep.spatialDropout],
    ['l2', lockstep.l2],
  ])('%s refuses options, because it has none', (name, make) => {
    const call = make as (...args: readonly unknown[]) => unknown;
    expect(() => call(0.1, { mask: () => false })).toThrow(
      `${name}: there is no option 'mask'; it takes none`,
    );
    expect(() => call(0.1)).not.toThrow();
  });

  it('probabilities, weights and penalties must be in their range', () => {
    for (const p of [-0.1, 1.5, Number.NaN]) {
      expect(() => lockstep.bernoulli(keyTensor(1), p, [2])).toThrow(/must be a probability from 0 to 1/);
    }
    for (const weights of [[1, -1], tensor([1, Number.NaN])]) {
      expect(() => lockstep.choice(keyTensor(1), 2, [3], { weights })).toThrow(/choice: weight 1 is /);
    }
    for (const lambda of [-1, Number.NaN])
      expect(() => lockstep.l2(lambda)).toThrow(/it must be a number ≥ 0/);
  });
});
