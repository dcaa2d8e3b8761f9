/** Loops whose end depends on data. */
import { describe, expect, it } from 'vitest';
import { opsOf } from '../fixtures/programs.ts';
import { bitsOf } from '../fixtures/values.ts';
import {
  allReduceSum,
  checkGrads,
  checkpoint,
  cond,
  grad,
  jit,
  jvp,
  planProgram,
  type Tensor,
  tensor,
  traceProgram,
  vmap,
  whileLoop,
} from '../index.ts';

/** √a by Newton's iteration, to the last digit but one. */
const root = (a: Tensor): Tensor =>
  whileLoop(
    ({ step }) => step.abs().greater(1e-14),
    ({ y }) => {
      const next = y.add(a.div(y)).mul(0.5);
      return { y: next, step: next.sub(y) };
    },
    { y: a, step: tensor(1) },
  ).y;

/** The number of turns until 3n + 1 or n/2 reaches 1. */
const collatz = (n: Tensor): Tensor =>
  whileLoop(
    ([x]) => x.notEqual(1),
    ([x, turns]) => [
      cond(
        x.mul(0.5).floor().mul(2).equal(x),
        (y) => y.mul(0.5),
        (y) => y.mul(3).add(1),
        x,
      ),
      turns.add(1),
    ],
    [n, tensor(0, { dtype: 'int32' })],
  )[1]!;

const derivative = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [tensor(1)])[1];

describe('whileLoop', () => {
  it('runs until its state says so, eager and compiled', () => {
    for (const a of [2, 9, 1e-3, 12345]) {
      expect(Math.abs(root(tensor(a)).item() / Math.sqrt(a) - 1)).toBeLessThan(1e-15);
      expect(bitsOf(jit(root)(a))).toBe(bitsOf(root(tensor(a))));
    }
    for (const [n, turns] of [
      [1, 0],
      [6, 8],
      [27, 111],
    ] as const) {
      expect(collatz(tensor(n)).item()).toBe(turns);
      expect(jit(collatz)(n).item()).toBe(turns);
    }
  });
  it('lets the examples of a batch end at different times', () => {
    const n = tensor([1, 6, 27, 2]);
    expect(vmap(collatz)(n).toArray()).toEqual([0, 8, 111, 1]);
    expect(jit(vmap(collatz))(n).toArray()).toEqual([0, 8, 111, 1]);
    const a = tensor([2, 9, 12345]);
    const alone = [2, 9, 12345].map((x) => root(tensor(x)).item());
    expect(vmap(root)(a).toArray()).toEqual(alone);
    expect(jit(vmap(root))(a).toArray()).toEqual(alone);
    const twice = tensor([
      [1, 6],
      [27, 2],
    ]);
    expect(vmap(vmap(collatz))(twice).toArray()).toEqual([
      [0, 8],
      [111, 1],
    ]);
    expect(jit(vmap(vmap(collatz)))(twice).toArray()).toEqual([
      [0, 8],
      [111, 1],
    ]);
    // Only the state is batched, not the value that ends the loop.
    const doubled = (x: Tensor): Tensor =>
      whileLoop(
        ({ i }) => i.less(5),
        ({ i, y }) => ({ i: i.add(1), y: y.mul(2) }),
        { i: tensor(0), y: x },
      ).y;
    expect(jit(vmap(doubled))(tensor([1, 3])).toArray()).toEqual([32, 96]);
  });
  it('has derivatives in both modes outside of programs', () => {
    const slope = 0.5 / Math.SQRT2;
    expect(grad(root)(2).item()).toBeCloseTo(slope, 14);
    expect(derivative(root)(tensor(2)).item()).toBeCloseTo(slope, 14);
    expect(grad(grad(root))(2).item()).toBeCloseTo(-0.25 * 2 ** -1.5, 12);
    for (const value of vmap(grad(root))(tensor([2, 2])).data) expect(value).toBeCloseTo(slope, 14);
    checkGrads(root, [tensor(2)]);
  });
  it('has derivatives of any order in forward mode within programs', () => {
    const x = tensor(2);
    expect(bitsOf(jit(derivative(root))(x))).toBe(bitsOf(derivative(root)(x)));
    expect(jit(derivative(derivative(root)))(x).item()).toBeCloseTo(-0.25 * 2 ** -1.5, 12);
    expect(
      jit(vmap(derivative(root)))(tensor([2, 9]))
        .at(0)
        .item(),
    ).toBeCloseTo(0.5 / Math.SQRT2, 14);
  });
  it('is one equation, and its memory does not depend on its turns', () => {
    const program = traceProgram((a) => [root(a!)], [{ dtype: 'float64', shape: [] }]);
    expect(opsOf(program).filter((op) => op === 'while')).toEqual(['while']);
    expect(planProgram(program).arenaBytes).toBeLessThan(2048);
    const count = jit((n: Tensor) =>
      whileLoop(
        (i) => i.less(n),
        (i) => i.add(1),
        tensor(0),
      ),
    );
    expect(count(50_000).item()).toBe(50_000);
    expect(count(0).item()).toBe(0);
  });
  it('works within checkpoints and other loops', () => {
    const f = (x: Tensor): Tensor => checkpoint((y: Tensor) => root(y).mul(y))(x);
    expect(f(tensor(4)).item()).toBe(8);
    expect(jit(f)(4).item()).toBe(8);
    const sum = (n: Tensor): Tensor =>
      whileLoop(
        ({ i }) => i.lessEqual(n),
        ({ i, s }) => ({
          i: i.add(1),
          s: s.add(
            whileLoop(
              (j) => j.less(i),
              (j) => j.add(1),
              tensor(0),
            ),
          ),
        }),
        { i: tensor(1), s: tensor(0) },
      ).s;
    expect(sum(tensor(5)).item()).toBe(15);
    expect(jit(sum)(5).item()).toBe(15);
    expect(jit(vmap(sum))(tensor([5, 2])).toArray()).toEqual([15, 3]);
  });
});

describe('mistakes', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'reverse mode within a program',
      () => jit(grad(root))(2),
      /whileLoop: within a program reverse mode .* use scan or forLoop .* customVjp/,
    ],
    [
      'a condition that is not bool',
      () =>
        whileLoop(
          (x) => x,
          (x) => x,
          tensor(1),
        ),
      /whileLoop: the condition is float64\[\], not bool\[\]/,
    ],
    [
      'a state of another shape',
      () =>
        whileLoop(
          (x) => x.sum().less(3),
          (x) => x.add(tensor([1, 2])),
          tensor(1),
        ),
      /whileLoop: the state goes in as float64\[\] and comes back as float64\[2\]/,
    ],
    [
      'a state of another structure',
      () =>
        jit((x: Tensor) =>
          whileLoop(
            (y) => y.less(3),
            (y) => [y] as never,
            x,
          ),
        )(1),
      /whileLoop: the body returns an array of 1 for a state that is a leaf/,
    ],
    [
      'a sum over shards',
      () =>
        jit((x: Tensor) =>
          whileLoop(
            (y) => y.less(3),
            (y) => allReduceSum(y),
            x,
          ),
        )(1),
      /whileLoop: allReduceSum crosses shards/,
    ],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
