/** Custom derivatives. */
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../fixtures/values.ts';
import {
  checkGrads,
  checkpoint,
  customJvp,
  customVjp,
  div,
  exp,
  grad,
  jit,
  jvp,
  log,
  mul,
  sub,
  sum,
  type Tensor,
  tensor,
  vjp,
  vmap,
} from '../index.ts';

/** ln(1 + eˣ), whose derivative by the chain rule is ∞/∞ for large x. */
const naive = (x: Tensor): Tensor => log(exp(x).add(1));
const log1pExp = customJvp(naive, ([x], [t]) => [naive(x), mul(t, sub(1, div(1, exp(x).add(1))))]);

describe('customJvp', () => {
  it('replaces the derivative in both modes, also in derivatives of the derivative', () => {
    expect(grad(naive)(1000).item()).toBeNaN();
    expect(grad(log1pExp)(1000).item()).toBe(1);
    expect(jvp(log1pExp, [tensor(1000)], [tensor(2)])[1].item()).toBe(2);
    expect(grad(log1pExp)(0.4).item()).toBeCloseTo(1 / (1 + Math.exp(-0.4)), 15);
    checkGrads(log1pExp as never, [tensor([0.4, -1.1])]);
    checkGrads(((x: Tensor) => vmap(log1pExp)(x)) as never, [tensor([0.4, -1.1])]);
  });
  it('holds within compiled functions, batches and checkpoints', () => {
    const x = tensor([1000, 0.5, -2]);
    const expected = bitsOf(vmap(grad(log1pExp))(x));
    expect(bitsOf(jit(vmap(grad(log1pExp)))(x))).toBe(expected);
    expect(bitsOf(grad((y: Tensor) => sum(vmap(log1pExp)(y)))(x))).toBe(expected);
    expect(bitsOf(grad((y: Tensor) => sum(jit(log1pExp)(y)))(x))).toBe(expected);
    expect(bitsOf(grad((y: Tensor) => sum(checkpoint(log1pExp)(y)))(x))).toBe(expected);
    expect(bitsOf(grad((y: Tensor) => sum(checkpoint((z: Tensor) => vmap(log1pExp)(z))(y)))(x))).toBe(
      expected,
    );
    expect(bitsOf(jit(grad((y: Tensor) => sum(checkpoint(log1pExp)(y))))(x))).toBe(expected);
    expect(bitsOf(jit(log1pExp)(x))).toBe(bitsOf(log1pExp(x)));
  });
  it('takes and gives trees, and gives tangent 0 to arguments that do not move', () => {
    const f = customJvp(
      ({ a, b }: { a: Tensor; b: Tensor }) => [a.mul(b)] as Tensor[],
      ([{ a, b }], [t]) => [[a.mul(b)], [t.a.mul(b).mul(10).add(t.b.mul(a))]],
    );
    const [y, pull] = vjp(f as (p: { a: Tensor; b: Tensor }) => Tensor[], { a: tensor(2), b: tensor(3) });
    expect(y[0]!.item()).toBe(6);
    const [{ a, b }] = pull([tensor(1)]);
    expect([a.item(), b.item()]).toEqual([30, 2]);
    const byA = grad((p: Tensor) => (f({ a: p, b: tensor(3) }) as Tensor[])[0]!);
    expect(byA(2).item()).toBe(30);
  });
});

/** √a by Newton's iteration. Its derivative is that of the equation y² = a for any number of turns. */
let numTurns = 0;
function newton(a: Tensor): Tensor {
  let y = tensor(1);
  for (let turn = 0; turn < 60; turn++) {
    const next = y.add(a.div(y)).mul(0.5);
    numTurns++;
    if (Math.abs(next.item() - y.item()) < 1e-15) break;
    y = next;
  }
  return y;
}
const root = customVjp(
  (a: Tensor) => newton(a),
  (a: Tensor) => {
    const y = root(a) as Tensor;
    return [y, y] as const;
  },
  (y: Tensor, ct: Tensor) => [ct.div(y.mul(2))] as const,
);

describe('customVjp', () => {
  it('differentiates a fixed point by its equation, with loops that depend on data', () => {
    expect(root(2).item()).toBeCloseTo(Math.SQRT2, 15);
    numTurns = 0;
    expect(grad(root)(2).item()).toBeCloseTo(0.5 / Math.SQRT2, 15);
    expect(numTurns).toBeLessThan(10);
    expect(grad(grad(root))(2).item()).toBeCloseTo(-0.25 * 2 ** -1.5, 14);
    expect(grad(grad(grad(root)))(2).item()).toBeCloseTo(0.375 * 2 ** -2.5, 13);
  });

  /** x, whose cotangent is limited to ±1. */
  const limited = customVjp(
    (x: Tensor) => x.mul(1),
    (x: Tensor) => [x.mul(1), null] as const,
    (_none: null, ct: Tensor) => [ct.maximum(-1).minimum(1)] as const,
  );
  const f = (x: Tensor): Tensor => limited(x).mul(5);

  it('holds under vmap, jit and checkpoint, in any order', () => {
    const x = tensor([0.5, -2]);
    expect(grad(f)(3).item()).toBe(1);
    expect(vmap(grad(f))(x).toArray()).toEqual([1, 1]);
    expect(grad((y: Tensor) => vmap(f)(y).sum())(x).toArray()).toEqual([1, 1]);
    expect(jit(grad(f))(3).item()).toBe(1);
    expect(grad((y: Tensor) => jit(f)(y))(3).item()).toBe(1);
    expect(jit(vmap(grad(f)))(x).toArray()).toEqual([1, 1]);
    expect(grad((y: Tensor) => checkpoint(f)(y))(3).item()).toBe(1);
    expect(grad((y: Tensor) => checkpoint((z: Tensor) => vmap(f)(z).sum())(y))(x).toArray()).toEqual([1, 1]);
    expect(jit(grad((y: Tensor) => checkpoint((z: Tensor) => vmap(f)(z).sum())(y)))(x).toArray()).toEqual([
      1, 1,
    ]);
    expect(jit(f)(3).item()).toBe(15);
  });
  it('sums the cotangents of values that all examples share', () => {
    const scaled = customVjp(
      (w: Tensor, x: Tensor) => w.mul(x),
      (w: Tensor, x: Tensor) => [w.mul(x), { w, x }] as const,
      ({ w, x }: { w: Tensor; x: Tensor }, ct: Tensor) => [ct.mul(x).mul(100), ct.mul(w)] as const,
    );
    const total = (w: Tensor, xs: Tensor): Tensor => vmap(scaled, { inAxes: [null, 0] })(w, xs).sum();
    const [byW, byX] = grad(total, [0, 1])(3, tensor([1, 2, 4]));
    expect(byW.item()).toBe(700);
    expect(byX.toArray()).toEqual([3, 3, 3]);
  });
  it('gives zeros where backward gives null', () => {
    const first = customVjp(
      (x: Tensor, y: Tensor) => x.add(y),
      (x: Tensor, y: Tensor) => [x.add(y), null] as const,
      (_none: null, ct: Tensor) => [ct, null] as const,
    );
    expect(grad(first, [0, 1])(1, 2).map((g) => g.item())).toEqual([1, 0]);
  });
  it.each([
    ['customJvp', (f: (x: Tensor) => Tensor) => customJvp(f, ([x], [t]) => [f(x), f(t)])],
    [
      'customVjp',
      (f: (x: Tensor) => Tensor) =>
        customVjp(
          f,
          (x) => [f(x), null],
          (_none, ct) => [f(ct)],
        ),
    ],
  ] as const)('may read constants when the program that contains it is batched: %s', (_name, ownRule) => {
    const factor = tensor([2, 3, 4]);
    const scaled = ownRule((x) => x.mul(factor));
    const slope = jit(vmap(grad((x: Tensor) => checkpoint(scaled)(x).sum())));
    expect(slope(tensor([[1, 1, 1]])).toArray()).toEqual([[2, 3, 4]]);
    const batched = jit(grad((x: Tensor) => vmap(checkpoint(scaled))(x).sum()));
    expect(batched(tensor([[1, 1, 1]])).toArray()).toEqual([[2, 3, 4]]);
  });
  it('may read constants from outside, also within checkpoints', () => {
    const factor = tensor([2, 3, 4]);
    const scaled = customVjp(
      (x: Tensor) => x.mul(factor),
      (x: Tensor) => [x.mul(factor), null] as const,
      (_none: null, ct: Tensor) => [ct.mul(factor).mul(10)] as const,
    );
    const x = tensor([1, 1, 1]);
    expect(grad((y: Tensor) => scaled(y).sum())(x).toArray()).toEqual([20, 30, 40]);
    expect(grad((y: Tensor) => checkpoint(scaled)(y).sum())(x).toArray()).toEqual([20, 30, 40]);
    // A value of the outer program, which is not differentiated.
    const outer = jit((c: Tensor, y: Tensor) =>
      grad((z: Tensor) =>
        checkpoint((v: Tensor) =>
          customVjp(
            (u: Tensor) => u.mul(c),
            (u: Tensor) => [u.mul(c), null] as const,
            (_none: null, ct: Tensor) => [ct.mul(c).mul(10)] as const,
          )(v).sum(),
        )(z),
      )(y),
    );
    expect(outer(factor, x).toArray()).toEqual([20, 30, 40]);
  });
});

describe('mistakes', () => {
  const giving = (forward: unknown, backward: unknown) =>
    customVjp((x: Tensor) => x.mul(2), forward as never, backward as never) as (x: Tensor) => Tensor;
  const pass = (x: Tensor): unknown => [x.mul(2), x];
  const x = tensor([1, 2]);
  const run = (f: (x: Tensor) => Tensor) => () => grad((y: Tensor) => f(y).sum())(x);
  it.each<[string, () => unknown, RegExp]>([
    [
      'forward that does not return a pair',
      run(giving((y: Tensor) => y, pass)),
      /customVjp: forward must return a pair, not object/,
    ],
    [
      'backward that does not return a list',
      run(giving(pass, () => x)),
      /backward must return a list of 1, a cotangent for each argument \(null for zeros\), not object/,
    ],
    [
      'too many cotangents',
      run(giving(pass, () => [x, x])),
      /backward must return a list of 1.*not one of 2/,
    ],
    [
      'a cotangent of another structure',
      run(giving(pass, () => [[x]])),
      /the cotangent of argument 0 has an array of 1 at its root where a leaf is expected/,
    ],
    [
      'a cotangent of another shape',
      run(giving(pass, () => [x.sum()])),
      /leaf 0 of the cotangent of argument 0 has shape \[\], and its value has \[2\]/,
    ],
    [
      'forward mode through customVjp',
      () => jvp(root, [tensor(2)], [tensor(1)]),
      /customVjp: forward mode .* define it with customJvp/,
    ],
    [
      'a tangent of another shape',
      run(
        customJvp(
          (y: Tensor) => y,
          ([y], [t]) => [y, t.sum()],
        ) as (x: Tensor) => Tensor,
      ),
      /customJvp: leaf 0 of the tangent has shape \[\]/,
    ],
    [
      'forward with another value',
      () => jit(giving((y: Tensor) => [y.sum(), y], pass))(x),
      /customVjp: forward gives the value float64\[\], and the function gives float64\[2\]/,
    ],
    [
      'a rule that does not return a pair',
      run(
        customJvp(
          (y: Tensor) => y,
          ([y]) => y as never,
        ) as (x: Tensor) => Tensor,
      ),
      /customJvp: the rule must return a pair/,
    ],
    [
      'a differentiated value from outside',
      () =>
        grad((c: Tensor) =>
          checkpoint((y: Tensor) => giving(pass, (r: Tensor, ct: Tensor) => [ct.mul(c).mul(r)])(y).sum())(x),
        )(3),
      /customVjp: the function reads a value from outside that is being differentiated.*pass the value as an argument/,
    ],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
