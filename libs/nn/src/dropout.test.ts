import { foldIn, grad, jit, normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { dropout } from './dropout.ts';

const key = tensor(Uint32Array.of(1, 2));
const rows = 40;
const width = 250;

function applied(rate: number, x: Tensor, from = key, training = true): Tensor {
  return dropout(rate).apply({}, {}, x, { training, key: from, weights: ones([x.shape[0]!]) })[0];
}

const maskOf = (y: Tensor): boolean[] => Array.from(y.data, (value) => value !== 0);

describe('dropout', () => {
  it('has a mask that depends on the key alone', () => {
    const mask = maskOf(applied(0.3, ones([rows, width])));
    expect(maskOf(applied(0.3, normal(foldIn(key, 1), [rows, width])))).toEqual(mask);
    expect(maskOf(applied(0.3, ones([rows, width], 'float64')))).toEqual(mask);
    expect(maskOf(applied(0.3, ones([rows, width]), foldIn(key, 2)))).not.toEqual(mask);
  });

  it('reads the key at run time, with the same bits compiled', () => {
    const compiled = jit((from: Tensor) => applied(0.3, ones([rows, width]), from));
    for (const use of [1, 2]) {
      const own = foldIn(key, use);
      expect(compiled(own).data).toEqual(applied(0.3, ones([rows, width]), own).data);
    }
  });

  it('keeps a fraction of 1 − rate, scaled to keep the expectation', () => {
    for (const rate of [0.1, 0.5, 0.9]) {
      const y = applied(rate, ones([rows, width], 'float64'));
      const kept = maskOf(y).filter(Boolean).length / y.size;
      // Five standard deviations of the mean of 10,000 draws.
      expect(Math.abs(kept - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / y.size));
      expect(new Set(y.data)).toEqual(new Set([0, 1 / (1 - rate)]));
    }
  });

  it('has gradients where it keeps values', () => {
    const x = ones([rows, width]);
    expect(grad((v: Tensor) => applied(0.3, v).sum())(x).data).toEqual(applied(0.3, x).data);
  });

  it('is the identity in evaluation and at rate 0', () => {
    const x = normal(key, [2, 3]);
    expect(applied(0.9, x, key, false)).toBe(x);
    expect(applied(0, x)).toBe(x);
  });

  it('refuses rates outside [0, 1)', () => {
    for (const rate of [1, -0.1, Number.NaN]) expect(() => dropout(rate)).toThrow(`the rate is ${rate}`);
  });
});
