/** Possible shapes of a graph of derivatives (after Autograd's own tests of graphs). */
import { describe, expect, it } from 'vitest';
import { checkGrads, customVjp, grad, jvp, mul, type Tensor, tensor, vjp } from '../index.ts';

const x = tensor([0.3, -1.2, 2.1]);

describe('graphs', () => {
  it('fan out and in', () => {
    const f = (y: Tensor): Tensor => {
      const shared = y.sin();
      const [a, b] = [shared.mul(y), shared.add(shared)];
      return a.mul(b).sub(shared).mul(a.add(b));
    };
    checkGrads(f, [x]);
  });
  it('end in constants, in the argument itself, and in nothing', () => {
    expect(grad((_y: Tensor) => tensor(2))(1).item()).toBe(0);
    expect(grad((y: Tensor) => y)(1).item()).toBe(1);
    expect(grad((y: Tensor) => y.stopGradient())(1).item()).toBe(0);
    expect(grad(grad((y: Tensor) => y.mul(3)))(1).item()).toBe(0);
    expect(grad(grad((_y: Tensor) => tensor(3)))(1).item()).toBe(0);
  });
  it('hold values of one element, of any rank', () => {
    const one = tensor([[0.7]]);
    checkGrads((y) => y.sin().mul(y), [one]);
    expect(grad((y: Tensor) => y.sum())(one).toArray()).toEqual([[1]]);
    expect(grad((y: Tensor) => y.mul(tensor([2])).reshape([]))(tensor(3)).item()).toBe(2);
  });
  it('close over the gradients of others', () => {
    // f(x) = x² · g'(x) with g(y) = x·y², so f(x) = 2x⁴ and f' = 8x³.
    const f = (a: Tensor): Tensor => mul(a.square(), grad((y: Tensor) => a.mul(y.square()))(a));
    expect(grad(f)(1.5).item()).toBe(27);
    expect(jvp(f, [tensor(1.5)], [tensor(1)])[1].item()).toBe(27);
    // The argument of the inner gradient does not depend on the outer one.
    const g = (a: Tensor): Tensor => grad((y: Tensor) => y.square().mul(a))(3);
    expect(grad(g)(2).item()).toBe(6);
    checkGrads((a) => grad((y: Tensor) => y.sin().mul(a).sum())(a).mul(a), [x]);
  });
  it('are differentiated three times', () => {
    const f = (a: Tensor): Tensor => a.tanh().mul(a).sin();
    const third = grad(grad(grad(f)));
    const second = grad(grad(f));
    const h = 1e-5;
    const numeric = (second(0.4 + h).item() - second(0.4 - h).item()) / (2 * h);
    expect(third(0.4).item()).toBeCloseTo(numeric, 8);
    const forward = (g: (a: Tensor) => Tensor) => (a: Tensor) => jvp(g, [a], [tensor(1)])[1];
    expect(forward(grad(forward(f)))(tensor(0.4)).item()).toBeCloseTo(third(0.4).item(), 12);
    checkGrads(f, [tensor(0.4)], { order: 3, tolerance: 1e-5 });
  });
  it('have cotangents that cannot be written to', () => {
    let seen: Tensor | undefined;
    const spy = customVjp(
      (y: Tensor) => y.mul(1),
      (y: Tensor) => [y.mul(1), null] as const,
      (_none: null, ct: Tensor) => {
        seen = ct;
        return [ct] as const;
      },
    );
    const ct = tensor([1, 2, 3]);
    const [, pull] = vjp((y: Tensor) => spy(y).add(spy(y)), x);
    expect(pull(ct)[0].toArray()).toEqual([2, 4, 6]);
    expect(pull(ct)[0].toArray()).toEqual([2, 4, 6]);
    expect([seen!.toArray(), ct.toArray()]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect('set' in seen!).toBe(false);
  });
  it('call each rule once: a chain of 2,000 ops costs 2,000 pullbacks', () => {
    let numPulls = 0;
    const counted = customVjp(
      (y: Tensor) => y.mul(0.999),
      (y: Tensor) => [y.mul(0.999), null] as const,
      (_none: null, ct: Tensor) => {
        numPulls++;
        return [ct.mul(0.999)] as const;
      },
    );
    const chain = (length: number) => (y: Tensor) => {
      let z = y;
      for (let i = 0; i < length; i++) z = counted(z) as Tensor;
      return z.mul(z);
    };
    for (const length of [500, 2000]) {
      numPulls = 0;
      expect(grad(chain(length))(1).item()).toBeCloseTo(2 * 0.999 ** (2 * length), 12);
      expect(numPulls).toBe(length);
    }
  });
});
