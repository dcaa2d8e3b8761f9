/** Small example programs of Autograd, compared with known results. */
import { describe, expect, it } from 'vitest';
import {
  customVjp,
  elementwiseGrad,
  grad,
  hessian,
  hvp,
  jit,
  jvp,
  matmul,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  whileLoop,
} from '../index.ts';

type Scalar = (x: Tensor) => Tensor;

describe('tanh and its first seven derivatives', () => {
  const points = Float64Array.from({ length: 15 }, (_, i) => (i - 7) / 2);

  /** Coefficients of dⁿ tanh/dxⁿ as a polynomial in t = tanh x: p′ₙ₊₁ = p′ₙ(t)·(1 − t²). */
  function polynomial(order: number): number[] {
    let p = [0, 1];
    for (let n = 0; n < order; n++) {
      const next = new Array<number>(p.length + 1).fill(0);
      for (const [k, coefficient] of p.entries()) {
        if (k === 0) continue;
        next[k - 1]! += k * coefficient;
        next[k + 1]! -= k * coefficient;
      }
      p = next;
    }
    return p;
  }

  // tanh as (1 − e⁻²ˣ)/(1 + e⁻²ˣ), so that the chain rule applies.
  const byExp: Scalar = (x) => {
    const y = x.mul(-2).exp();
    return y.neg().add(1).div(y.add(1));
  };
  const reverse =
    (f: Scalar): Scalar =>
    (x) =>
      elementwiseGrad(f)(x);
  const forward =
    (f: Scalar): Scalar =>
    (x) =>
      jvp(f, [x], [x.mul(0).add(1)])[1];

  it.each<[string, Scalar, (f: Scalar) => Scalar, number]>([
    ['the op, in reverse mode', (x) => x.tanh(), reverse, 7],
    ['the op, in forward mode', (x) => x.tanh(), forward, 7],
    ['the formula, in reverse mode', byExp, reverse, 5],
    ['the formula, in forward mode', byExp, forward, 5],
  ])('of %s', (_what, f, derivative, highest) => {
    let g = f;
    for (let order = 0; order <= highest; order++) {
      const p = polynomial(order);
      const found = g(tensor(points));
      for (const [i, x] of points.entries()) {
        const expected = p.reduce((sum, coefficient, k) => sum + coefficient * Math.tanh(x) ** k, 0);
        const size = p.reduce((sum, coefficient, k) => sum + Math.abs(coefficient * Math.tanh(x) ** k), 1);
        expect(Math.abs(found.data[i]! - expected)).toBeLessThan(1e-9 * size);
      }
      g = derivative(g);
    }
  });
});

describe('sine by its Taylor series, up to the last term that matters', () => {
  const sine: Scalar = (x) => {
    let term = x;
    let sum = x;
    for (let i = 1; Math.abs(term.item()) > 1e-17; i++) {
      term = term
        .mul(x)
        .mul(x)
        .div(-(2 * i + 1) * (2 * i));
      sum = sum.add(term);
    }
    return sum;
  };
  it.each([0.1, 1, -2.5, 3])('has the derivatives of sine at %d', (at) => {
    expect(sine(tensor(at)).item()).toBeCloseTo(Math.sin(at), 12);
    expect(grad(sine)(at).item()).toBeCloseTo(Math.cos(at), 12);
    expect(jvp(sine, [at], [1])[1].item()).toBeCloseTo(Math.cos(at), 12);
    expect(grad((x: Tensor) => grad(sine)(x))(at).item()).toBeCloseTo(-Math.sin(at), 11);
  });
  it('has the same derivatives where the loop is part of a compiled program', () => {
    const looped = (x: Tensor): Tensor =>
      whileLoop(
        ({ term }) => term.abs().greater(1e-17),
        ({ i, term, sum }) => {
          const next = term
            .mul(x)
            .mul(x)
            .div(i.mul(2).add(1).mul(i.mul(-2)));
          return { i: i.add(1), term: next, sum: sum.add(next) };
        },
        { i: tensor(1), term: x, sum: x },
      ).sum;
    expect(jit(looped)(2).item()).toBeCloseTo(Math.sin(2), 12);
    expect(jit((x: Tensor) => jvp(looped, [x], [1])[1])(2).item()).toBeCloseTo(Math.cos(2), 12);
  });
});

describe('the Rosenbrock function', () => {
  const rosenbrock: Scalar = (x) => {
    const [a, b] = [x.at(0), x.at(1)];
    return a.neg().add(1).square().add(b.sub(a.square()).square().mul(100));
  };
  it('has the gradient and Hessian of the textbook', () => {
    const [a, b] = [-1.2, 1];
    const at = tensor([a, b]);
    const expected = [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)];
    for (const [i, slope] of grad(rosenbrock)(at).data.entries()) expect(slope).toBeCloseTo(expected[i]!, 10);
    const h = hessian(rosenbrock)(at).toArray() as number[][];
    expect(h[0]![0]).toBeCloseTo(2 - 400 * b + 1200 * a * a, 9);
    expect(h[0]![1]).toBeCloseTo(-400 * a, 10);
    expect(h[1]).toEqual([h[0]![1], 200]);
  });
  it("is minimised by Newton's method at (1, 1)", () => {
    let x: Tensor = tensor([-1.2, 1]);
    for (let step = 0; step < 10; step++) {
      const g = grad(rosenbrock)(x).data;
      const [[p, q], [, r]] = hessian(rosenbrock)(x).toArray() as [[number, number], [number, number]];
      const determinant = p * r - q * q;
      x = x.sub([(r * g[0]! - q * g[1]!) / determinant, (p * g[1]! - q * g[0]!) / determinant]);
    }
    expect(x.data[0]).toBeCloseTo(1, 10);
    expect(x.data[1]).toBeCloseTo(1, 10);
  });
  it('is minimised with Hessian-vector products only, by conjugate gradients', () => {
    let x: Tensor = tensor([0.8, 0.7]);
    for (let step = 0; step < 12; step++)
      x = x.sub(conjugateGradients((v) => hvp(rosenbrock)([x], v), grad(rosenbrock)(x)));
    expect(x.data[0]).toBeCloseTo(1, 8);
    expect(x.data[1]).toBeCloseTo(1, 8);
  });
});

/** Solves A·x = b for two unknowns, given products with A. */
function conjugateGradients(product: (v: Tensor) => Tensor, b: Tensor): Tensor {
  let [x, r, p] = [b.mul(0), b, b];
  for (let i = 0; i < 2 && r.square().sum().item() > 1e-30; i++) {
    const ap = product(p);
    const alpha = r.square().sum().div(p.mul(ap).sum());
    x = x.add(p.mul(alpha));
    const next = r.sub(ap.mul(alpha));
    p = next.add(p.mul(next.square().sum().div(r.square().sum())));
    r = next;
  }
  return x;
}

describe('fixed points', () => {
  /**
   * x = step(a, x), iterated until it is constant; by the implicit function theorem dx/da = (∂step/∂a) / (1 −
   * ∂step/∂x).
   */
  const fixedPoint = (step: (a: Tensor, x: Tensor) => Tensor) => {
    const solve: Scalar = (a) => {
      let x: Tensor = tensor(1);
      for (let distance = 1; distance > 1e-15; ) {
        const next = step(a, x);
        distance = Math.abs(next.item() - x.item());
        x = next;
      }
      return x;
    };
    return customVjp(
      solve,
      (a) => {
        const x = solve(a);
        return [x, { a, x }] as const;
      },
      ({ a, x }, ct) => {
        const [byA, byX] = grad(step, [0, 1])(a, x);
        return [ct.mul(byA).div(byX.neg().add(1))];
      },
    );
  };
  const babylonian = (a: Tensor, x: Tensor): Tensor => x.add(a.div(x)).mul(0.5);
  it.each([2, 0.3, 9])('differentiate the square root of %d without unrolling', (a) => {
    const root = fixedPoint(babylonian);
    const f = (x: Tensor): Tensor => root(x);
    expect(f(tensor(a)).item()).toBeCloseTo(Math.sqrt(a), 13);
    expect(grad(f)(a).item()).toBeCloseTo(0.5 / Math.sqrt(a), 13);
  });
  it('agree with the unrolled iteration', () => {
    const unrolled: Scalar = (a) => {
      let x = a;
      for (let i = 0; i < 30; i++) x = babylonian(a, x);
      return x;
    };
    expect(grad(unrolled)(2).item()).toBeCloseTo(
      grad((a: Tensor) => fixedPoint(babylonian)(a))(2).item(),
      13,
    );
  });
});

describe('a network with a hidden layer', () => {
  it('learns exclusive or by gradient descent', () => {
    const inputs = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    const labels = tensor([0, 1, 1, 0]);
    type Params = { w1: Tensor; b1: Tensor; w2: Tensor };
    const loss = ({ w1, b1, w2 }: Params): Tensor =>
      matmul(matmul(inputs, w1).add(b1).tanh(), w2).sub(labels).square().sum();
    const step = jit(valueAndGrad(loss) as (params: Params) => [Tensor, Params]);
    let params: Params = {
      w1: tensor([
        [1, -0.7, 0.4],
        [0.9, 0.6, -0.5],
      ]),
      b1: tensor([0.1, -0.2, 0.3]),
      w2: tensor([0.5, -0.4, 0.8]),
    };
    const history: number[] = [];
    for (let i = 0; i < 300; i++) {
      const [value, { w1, b1, w2 }] = step(params);
      history.push(value.item());
      params = {
        w1: params.w1.sub(w1.mul(0.2)),
        b1: params.b1.sub(b1.mul(0.2)),
        w2: params.w2.sub(w2.mul(0.2)),
      };
    }
    expect(history[0]).toBeGreaterThan(0.5);
    expect(history.at(-1)).toBeLessThan(1e-3);
  });
  it('has a gradient for each example by vmap, whose sum is the gradient of the sum', () => {
    const inputs = tensor([
      [1, 2],
      [-1, 0.5],
      [0.3, 0.7],
    ]);
    const one = (w: Tensor, x: Tensor): Tensor => x.mul(w).sum().tanh().square();
    const each = vmap((w: Tensor, x: Tensor) => grad(one)(w, x), { inAxes: [null, 0] })(
      tensor([0.4, -0.6]),
      inputs,
    );
    expect(each.shape).toEqual([3, 2]);
    const whole = grad((w: Tensor) => stack([0, 1, 2].map((i) => one(w, inputs.at(i)))).sum())(
      tensor([0.4, -0.6]),
    );
    for (const [i, slope] of each.sum(0).data.entries()) expect(slope).toBeCloseTo(whole.data[i]!, 14);
  });
});
