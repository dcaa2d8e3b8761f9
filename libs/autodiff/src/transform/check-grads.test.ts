/** The checker itself: it must fail on wrong rules. */
import { describe, expect, it } from 'vitest';
import { batchedAs } from '../define.ts';
import {
  bind,
  checkGrads,
  cos,
  mul,
  neg,
  type Primitive,
  sin,
  square,
  sub,
  type Tensor,
  tensor,
} from '../index.ts';

type Rule = (g: Tensor, x: Tensor, y: Tensor) => Tensor;

/** sin with the given rules. It is not in the table, since nothing is compiled. */
function planted(jvp: Rule, vjp: Rule): (x: Tensor) => Tensor {
  const self: Primitive = {
    name: 'planted',
    differentiable: [0],
    shape: ([x]) => x!,
    kernel:
      (out, [x]) =>
      (kernels) =>
        kernels.unary('sin', out.data, x!.data),
    jvp: (t, _argument, [x], y) => jvp(t, x!, y),
    vjp: (ct, _argument, [x], y) => vjp(ct, x!, y),
    batch: ([x]) => batchedAs(bind(self, [x!], {})),
  };
  return (x) => bind(self, [x], {});
}

const right: Rule = (g, x) => mul(g, cos(x));
const wrongSign: Rule = (g, x) => mul(g, neg(cos(x)));
const point = tensor([0.3, -0.7, 1.1]);
/** The first derivative is right, but its dependence on x is hidden from the second. */
const constantSlope: Rule = (g, x) => mul(g, tensor(x.data.map(Math.cos), { shape: x.shape }));
/** cos x = 1 − x²/2 + …: right to one part in 10⁴ near 0. */
const nearlyRight: Rule = (g, x) => mul(g, sub(1, mul(square(x), 0.5001)));

describe('checkGrads', () => {
  it('accepts right rules', () => {
    expect(() => checkGrads(planted(right, right), [point], { order: 3, tolerance: 1e-4 })).not.toThrow();
  });
  it.each([
    ['a wrong jvp', planted(wrongSign, right), /checkGrads: jvp gives/],
    ['a wrong vjp', planted(right, wrongSign), /checkGrads: vjp gives/],
    ['a jvp without its factor', planted((g) => g, right), /checkGrads: jvp gives/],
    [
      'a vjp with a factor too many',
      planted(right, (g, x, y) => mul(mul(g, cos(x)), y)),
      /checkGrads: vjp gives/,
    ],
    ['a jvp that is nearly right', planted(nearlyRight, right), /checkGrads: jvp gives/],
    ['a jvp wrong in second order', planted(constantSlope, right), /checkGrads: jvp of jvp gives/],
    [
      'a vjp wrong in second order',
      planted(right, constantSlope),
      /checkGrads: (jvp of vjp|vjp of vjp|vjp of jvp) gives/,
    ],
  ])('refuses %s', (_what, f, message) => {
    expect(() => checkGrads(f, [tensor([0.1, -0.2, 0.15])])).toThrow(message);
  });
  it('sees a second-order mistake only if it checks the second order', () => {
    const f = planted(constantSlope, constantSlope);
    expect(() => checkGrads(f, [tensor([0.4])], { order: 1 })).not.toThrow();
    expect(() => checkGrads(f, [tensor([0.4])], { order: 2 })).toThrow(/of (jvp|vjp)|(jvp|vjp) of/);
  });
  it('checks the modes in its options', () => {
    const f = planted(right, wrongSign);
    expect(() => checkGrads(f, [tensor([0.4])], { order: 1, modes: ['forward'] })).not.toThrow();
    expect(() => checkGrads(f, [tensor([0.4])], { order: 1, modes: ['reverse'] })).toThrow(/vjp gives/);
  });
  it('refuses a point at a kink', () => {
    const steep = (x: Tensor): Tensor => mul(x.abs(), 3).add(sin(x).relu());
    expect(() => checkGrads(steep, [tensor([0, 0])])).toThrow(/kink/);
  });
  it('needs float64', () => {
    expect(() => checkGrads(sin, [tensor([1], { dtype: 'float32' })])).toThrow(
      /checkGrads: needs float64 arguments, not float32/,
    );
  });
});
