/** Finite differences have the claimed order, up to rounding. */
import { describe, expect, it } from 'vitest';
import { grad, numericalGrad, type Tensor, tensor } from '../index.ts';

/** The logistic map l₄ at x, the example of Baydin et al. (2018), figures 2 and 3. */
const l4 = (x: Tensor): Tensor => {
  let l = x;
  for (let n = 1; n < 4; n++) l = l.mul(4).mul(l.neg().add(1));
  return l;
};
const exact = grad(l4)(0.2).item();
const error = (method: 'forward' | 'backward' | 'central' | 'fivePoint', step: number): number =>
  Math.abs(numericalGrad(l4, 0, { method, step })(0.2).item() - exact);

describe('the error as a function of the step', () => {
  // Where truncation dominates, ten times the step gives 10ᵖ times the error.
  it.each([
    ['forward', 1e-6, 1],
    ['backward', 1e-6, 1],
    ['central', 1e-4, 2],
    ['fivePoint', 1e-3, 4],
  ] as const)('of %s differences grows with the order of the method', (method, step, order) => {
    const slope = Math.log10(error(method, 10 * step) / error(method, step));
    expect(Math.abs(slope - order)).toBeLessThan(0.1);
  });
  it.each([
    ['forward', 1.5e-8],
    ['central', 6e-6],
  ] as const)(
    'of %s differences falls to a minimum near ε^(1/(p + 1)), then rounding takes over',
    (method, best) => {
      const least = error(method, best);
      expect(least).toBeLessThan(error(method, best * 1e3) / 100);
      const rounding = Math.max(...[1, 1.7, 2.3, 3.1, 4.9].map((k) => error(method, best * 1e-5 * k)));
      expect(rounding).toBeGreaterThan(100 * least);
      expect(error(method, 1e-17)).toBeCloseTo(Math.abs(exact), 10);
    },
  );
  it('is smallest for central differences at their usual step', () => {
    expect(error('central', 6e-6)).toBeLessThan(1e-7);
    expect(numericalGrad(l4)(0.2).item()).toBeCloseTo(exact, 6);
    expect(numericalGrad(l4, 0, { method: 'fivePoint' })(0.2).item()).toBeCloseTo(exact, 7);
  });
});

describe('numericalGrad', () => {
  it('takes any tree and a list of arguments', () => {
    const f = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor): Tensor => w.mul(x).sin().sum().mul(b);
    const [params, x] = [{ w: tensor([[1, 2]]), b: tensor(0.5) }, tensor([3, -1])];
    const [numeric, byX] = numericalGrad(f, [0, 1])(params, x);
    const [expected, expectedByX] = grad(f, [0, 1])(params, x);
    expect(numeric.w.shape).toEqual([1, 2]);
    for (const [found, wanted] of [
      [numeric.w, expected.w],
      [numeric.b, expected.b],
      [byX, expectedByX],
    ] as const) {
      for (const [i, slope] of wanted.data.entries()) expect(found.data[i]).toBeCloseTo(slope, 8);
    }
  });
  it('evaluates the function twice for each element', () => {
    let numEvaluations = 0;
    const f = (x: Tensor): Tensor => {
      numEvaluations++;
      return x.square().sum();
    };
    numericalGrad(f)(tensor([1, 2, 3]));
    expect(numEvaluations).toBe(6);
  });
  it('names what it cannot do', () => {
    expect(() => numericalGrad((x: Tensor) => x)(tensor([1, 2]))).toThrow(/must return a scalar, not \[2\]/);
    expect(() => numericalGrad((x: Tensor) => x.sum())(tensor([1], { dtype: 'float32' }))).toThrow(
      /numericalGrad: needs float64, not float32/,
    );
    expect(() => numericalGrad(l4, 0, { step: 0 })).toThrow(/a step of 0; it must be positive/);
    expect(() => numericalGrad(l4, 1)(0.2)).toThrow(/argument 1 does not exist/);
  });
});
