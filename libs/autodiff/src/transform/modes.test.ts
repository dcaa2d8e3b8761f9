/** Forward and reverse mode of functions with known derivatives. */
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../fixtures/values.ts';
import {
  add,
  checkGrads,
  cos,
  grad,
  jvp,
  log,
  mul,
  sigmoid,
  sin,
  sub,
  type Tensor,
  tensor,
  valueAndGrad,
  valueAndGradWithAux,
  vjp,
} from '../index.ts';

/** f(x₁, x₂) = ln x₁ + x₁x₂ − sin x₂, the running example of Baydin et al. (2018), figure 4. */
const f = (x1: Tensor, x2: Tensor): Tensor => sub(add(log(x1), mul(x1, x2)), sin(x2));
const value = Math.log(2) + 10 - Math.sin(5);

describe('ln x₁ + x₁x₂ − sin x₂ at (2, 5)', () => {
  it('has value 11.652… and derivative 5.5 along x₁ in forward mode', () => {
    const [y, t] = jvp(f, [2, 5], [1, 0]);
    expect(y.item()).toBeCloseTo(11.652071455223084, 14);
    expect(y.item()).toBeCloseTo(value, 14);
    expect(t.item()).toBe(5.5);
  });
  it('has derivative 1.716… along x₂ in forward mode', () => {
    expect(jvp(f, [2, 5], [0, 1])[1].item()).toBeCloseTo(2 - Math.cos(5), 14);
    expect(jvp(f, [2, 5], [null, 1])[1].item()).toBeCloseTo(1.7163378145367738, 14);
  });
  it('has gradient (5.5, 1.716…) in reverse mode', () => {
    const [by1, by2] = grad(f, [0, 1])(2, 5);
    expect(by1.item()).toBe(5.5);
    expect(by2.item()).toBeCloseTo(1.7163378145367738, 14);
  });
  it('is the same when written with methods', () => {
    const g = (x1: Tensor, x2: Tensor): Tensor => x1.log().add(x1.mul(x2)).sub(x2.sin());
    expect(bitsOf(g(tensor(2), tensor(5)))).toBe(bitsOf(f(tensor(2), tensor(5))));
    expect(grad(g, [0, 1])(2, 5).map((x) => x.item())).toEqual(grad(f, [0, 1])(2, 5).map((x) => x.item()));
  });
  it('has value and gradient in one pass, and a pullback that scales', () => {
    const [y, gradient] = valueAndGrad(f)(2, 5);
    expect([y.item(), gradient.item()]).toEqual([f(tensor(2), tensor(5)).item(), 5.5]);
    const [, pull] = vjp(f, 2, 5);
    expect(pull(tensor(2))[0].item()).toBe(11);
    expect(pull(tensor(0))[1].item()).toBe(0);
  });
  it('agrees with finite differences', () => checkGrads(f, [tensor(2), tensor(5)], { order: 2 }));
});

describe('logistic regression by gradient descent', () => {
  const inputs = [
    [0.52, 1.12, 0.77],
    [0.88, -1.08, 0.15],
    [0.52, 0.06, -1.3],
    [0.74, -2.49, 1.39],
  ];
  const labels = [1, 1, 0, 1];
  const numSteps = 100;
  const stepSize = 0.01;

  const loss = (weights: Tensor): Tensor => {
    const predictions = sigmoid(tensor(inputs).matmul(weights));
    const y = tensor(labels);
    const probabilities = predictions.mul(y).add(sub(1, predictions).mul(sub(1, y)));
    return probabilities.log().sum().neg();
  };

  /** The same steps by hand: ∂loss/∂w = Σ (p − y)·x. */
  function byHand(): { losses: number[]; weights: number[] } {
    const weights = [0, 0, 0];
    const losses: number[] = [];
    for (let step = 0; step < numSteps; step++) {
      const p = inputs.map((row) => 1 / (1 + Math.exp(-row.reduce((z, x, j) => z + x * weights[j]!, 0))));
      losses.push(-p.reduce((total, q, i) => total + Math.log(labels[i] ? q : 1 - q), 0));
      for (const j of weights.keys())
        weights[j]! -= stepSize * p.reduce((total, q, i) => total + (q - labels[i]!) * inputs[i]![j]!, 0);
    }
    return { losses, weights };
  }

  it('takes the steps that plain numbers take', () => {
    const expected = byHand();
    const step = valueAndGrad(loss);
    let weights = tensor([0, 0, 0]);
    for (let i = 0; i < numSteps; i++) {
      const [value, gradient] = step(weights);
      expect(Math.abs(value.item() - expected.losses[i]!)).toBeLessThan(1e-12);
      weights = weights.sub(gradient.mul(stepSize));
    }
    for (const [j, w] of weights.data.entries())
      expect(Math.abs(w - expected.weights[j]!)).toBeLessThan(1e-12);
    expect(expected.losses[0]).toBeCloseTo(4 * Math.log(2), 12);
    expect(loss(weights).item()).toBeLessThan(expected.losses[0]! / 1.5);
  });
  it('has a gradient that finite differences confirm', () => checkGrads(loss, [tensor([0.1, -0.2, 0.3])]));
});

const derivative = (g: (x: Tensor) => Tensor) => (x: Tensor) => jvp(g, [x], [1])[1];

describe('nesting', () => {
  it('does not confuse the perturbations of two levels', () => {
    // d/dx [x · d/dy (x + y)] = 1; with confused tangents it would be 2 (Siskind and Pearlmutter, 2005).
    const inner = (d: (g: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) => (x: Tensor) =>
      mul(x, d((y) => add(x, y))(tensor(1)));
    for (const outer of [derivative, grad] as const) {
      for (const nested of [derivative, grad] as const) {
        expect(outer(inner(nested as typeof derivative))(tensor(1)).item()).toBe(1);
      }
    }
    // x·d/dy(x·y) at y = 2 is x², whose derivative at 3 is 6.
    const product = (x: Tensor): Tensor => mul(x, grad((y: Tensor) => mul(x, y))(2));
    expect(grad(product)(3).item()).toBe(6);
    expect(derivative(product)(tensor(3)).item()).toBe(6);
  });
  it('differentiates sin three times', () => {
    const third = grad(grad(grad(sin)));
    expect(third(0.7).item()).toBeCloseTo(-Math.cos(0.7), 14);
    expect(derivative(derivative(derivative(sin)))(tensor(0.7)).item()).toBeCloseTo(-Math.cos(0.7), 14);
    expect(grad(derivative(grad(cos)))(0.7).item()).toBeCloseTo(Math.sin(0.7), 14);
  });
  it('differentiates x⁴ four times, to 24', () => {
    const fourth = (x: Tensor): Tensor => x.square().square();
    expect(grad(grad(grad(grad(fourth))))(1.3).item()).toBeCloseTo(24, 10);
  });
  it('follows closures over the outer argument', () => {
    const power = (n: number, x: Tensor): Tensor => (n === 0 ? tensor(1) : mul(x, power(n - 1, x)));
    expect(grad((x: Tensor) => power(5, x))(2).item()).toBe(80);
    const curried = (x: Tensor) => (y: Tensor) => mul(mul(x, x), y);
    expect(grad((x: Tensor) => grad(curried(x))(3))(4).item()).toBe(8);
  });
});

describe('ordinary control flow', () => {
  it('differentiates loops whose length depends on the data', () => {
    let numTurns = 0;
    const doubled = (x: Tensor): Tensor => {
      let y = x;
      for (numTurns = 0; y.item() < 100; numTurns++) y = y.mul(2);
      return y;
    };
    expect(grad(doubled)(3).item()).toBe(64);
    expect(numTurns).toBe(6);
    expect(derivative(doubled)(tensor(60)).item()).toBe(2);
  });
  it('differentiates the branch that is taken', () => {
    const branch = (x: Tensor): Tensor => (x.item() > 0 ? x.square() : x.mul(-3));
    expect([grad(branch)(2).item(), grad(branch)(-2).item()]).toEqual([4, -3]);
    expect(grad(grad(branch))(2).item()).toBe(2);
  });
  it('compares tensors as numbers', () => {
    const larger = (a: Tensor, b: Tensor): Tensor => (a > b ? a : b);
    expect(grad(larger, [0, 1])(1, 2).map((x) => x.item())).toEqual([0, 1]);
  });
  it('refuses JavaScript arithmetic, which no derivative follows, but no constants', () => {
    const squared = ((x: number) => x * x) as unknown as (x: Tensor) => Tensor;
    expect(() => grad(squared)(3)).toThrow(/grad: the function returns the number 9, .* write x.mul\(y\)/);
    expect(() => grad(grad(squared))(3)).toThrow(/the function returns the number 9/);
    expect(() => jvp(squared, [3], [1])).toThrow(/jvp: the function returns the number 9/);
    const constant = (() => 3) as unknown as (x: Tensor) => Tensor;
    expect(grad(constant)(2).item()).toBe(0);
  });
  it('differentiates recursion', () => {
    const newton = (a: Tensor, x: Tensor, n: number): Tensor =>
      n === 0 ? x : newton(a, x.add(a.div(x)).mul(0.5), n - 1);
    expect(grad((a: Tensor) => newton(a, a, 30))(2).item()).toBeCloseTo(0.5 / Math.SQRT2, 14);
  });
});

describe('arguments and results', () => {
  const params = { layers: [{ w: tensor([[1, 2]]), b: tensor(3) }], scale: tensor([0.5, -1]) };
  type Params = typeof params;
  const model = ({ layers, scale }: Params): Tensor =>
    layers.reduce((y, { w, b }) => y.add(w.square().sum()).add(b.mul(2)), scale.sum());

  it('gives gradients in the shape of nested containers', () => {
    const gradient = grad(model)(params);
    expect(gradient.layers[0]!.w.toArray()).toEqual([[2, 4]]);
    expect(gradient.layers[0]!.b.item()).toBe(2);
    expect(gradient.scale.toArray()).toEqual([1, 1]);
    expect(Object.keys(gradient)).toEqual(Object.keys(params).sort());
  });
  it('moves along a tangent of the same shape', () => {
    const [, t] = jvp(model, [params], [{ layers: [{ w: tensor([[0, 1]]), b: 1 }], scale: tensor([0, 0]) }]);
    expect(t.item()).toBe(4 + 2);
  });
  it('takes tuples and returns containers', () => {
    const g = ([a, b]: readonly [Tensor, Tensor]): { sum: Tensor; product: Tensor } => ({
      sum: add(a, b),
      product: mul(a, b),
    });
    const [y, pull] = vjp(g, [2, 3] as const);
    expect([y.sum.item(), y.product.item()]).toEqual([5, 6]);
    const [[a, b]] = pull({ sum: tensor(1), product: tensor(10) });
    expect([a.item(), b.item()]).toEqual([31, 21]);
  });
  it('adds the paths of a value used more than once', () => {
    expect(grad((x: Tensor) => x.mul(x).add(x).add(x.mul(x).mul(x)))(2).item()).toBe(4 + 1 + 12);
    expect(grad((x: Tensor) => x)(2).item()).toBe(1);
  });
  it('takes numbers and typed arrays for arguments that it does not differentiate', () => {
    const f = (x: Tensor, y: Tensor, z: Tensor): Tensor => x.mul(y.sin()).add(z.square().sum());
    const typed = new Float64Array([1, 2]);
    expect(grad(f)(2, 5, typed).item()).toBe(grad(f, [0, 1])(2, 5, typed)[0].item());
    expect(valueAndGrad(f, 1)(2, 0, typed).map(Number)).toEqual([5, 2]);
    expect(grad((x: Tensor, { scale }: { scale: number }) => x.mul(scale))(2, { scale: 3 }).item()).toBe(3);
  });

  it('gives zeros for unused arguments and for constants', () => {
    const [used, unused] = grad((x: Tensor, _y: Tensor) => x.sum(), [0, 1])(
      tensor([1, 2]),
      tensor([[3, 4]], { dtype: 'float32' }),
    );
    expect(used.toArray()).toEqual([1, 1]);
    expect(bitsOf(unused)).toBe(bitsOf(tensor([[0, 0]], { dtype: 'float32' })));
    expect(grad((_x: Tensor) => tensor(7))(2).item()).toBe(0);
    expect(jvp((_x: Tensor) => tensor([7, 8]), [2], [1])[1].toArray()).toEqual([0, 0]);
    expect(grad((x: Tensor) => x.mul(x.stopGradient()))(3).item()).toBe(3);
  });
  it('keeps the auxiliary value', () => {
    const withAux = (x: Tensor): readonly [Tensor, { double: Tensor }] => [x.square(), { double: x.mul(2) }];
    const [[value, aux], gradient] = valueAndGradWithAux(withAux)(3);
    expect([value.item(), aux.double.item(), gradient.item()]).toEqual([9, 6, 6]);
  });
  it('has derivative 0 through a step function', () => {
    const steps = (x: Tensor): Tensor => x.mul(2.5).cast('int32').cast('float64').mul(x);
    expect(grad(steps)(3).item()).toBe(7);
    expect(jvp(steps, [3], [1])[1].item()).toBe(7);
    expect(grad((x: Tensor) => x.floor().mul(x))(2.5).item()).toBe(2);
  });
});

describe('mistakes', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a result that is not a scalar',
      () => grad((x: Tensor) => x.mul(2))(tensor([1, 2])),
      /grad: the function must return a scalar, not \[2\]; reduce it with sum\(\)/,
    ],
    [
      'a missing argument',
      () => grad(f, [0, 2])(1, 2),
      /grad: argument 2 does not exist; the function was called with 2/,
    ],
    [
      'integers',
      () => grad((x: Tensor) => x.sum())(tensor([1], { dtype: 'int32' })),
      /grad: cannot differentiate with respect to int32\[1\]/,
    ],
    [
      'a cotangent of another shape',
      () => vjp((x: Tensor) => x.mul(2), tensor([1, 2]))[1](tensor([1])),
      /vjp: a cotangent of shape \[1\] for a value of shape \[2\]/,
    ],
    [
      'too few cotangents',
      () => vjp((x: Tensor) => [x, x] as const, tensor([1]))[1]([tensor([1])] as never),
      /vjp: value and cotangent: the trees differ/,
    ],
    [
      'too many cotangents',
      () => vjp((x: Tensor) => [x], tensor([1]))[1]([tensor([1]), tensor([1])]),
      /vjp: value and cotangent: the trees differ/,
    ],
    ['a missing tangent', () => jvp(f, [2, 5], [1] as never), /jvp: 2 arguments but 1 tangents/],
    [
      'a tangent of another shape',
      () => jvp(sin, [tensor([1, 2])], [tensor([1])]),
      /jvp: a tangent of shape \[1\] for an argument of shape \[2\]/,
    ],
    [
      'a tangent of another structure',
      () => jvp((xs: Tensor[]) => xs[0]!, [[1, 2]], [[1]]),
      /jvp: argument and tangent: the trees differ/,
    ],
    ['an argument that is not a number', () => grad(sin)('2' as never), /grad: an argument holds a string/],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
  it('refuses values kept after their transformation', () => {
    let kept: Tensor | undefined;
    grad((x: Tensor) => {
      kept = x.mul(2);
      return x;
    })(3);
    expect(() => kept!.add(1)).toThrow(/add: an argument is left over from a transformation/);
  });
  it('leaves the interpreters in order after an error', () => {
    const fails = (): Tensor => {
      throw new Error('inside');
    };
    expect(() => grad(fails)()).toThrow();
    expect(() => grad((_x: Tensor) => fails())(1)).toThrow('inside');
    expect(grad(sin)(0).item()).toBe(1);
  });
});
