/** Branches: the same results outside and within programs. */
import { describe, expect, it } from 'vitest';
import { opsOf } from '../fixtures/programs.ts';
import { bitsOf } from '../fixtures/values.ts';
import {
  allReduceSum,
  cast,
  checkGrads,
  checkpoint,
  cond,
  describePlan,
  grad,
  jit,
  jvp,
  planProgram,
  scan,
  switchCase,
  type Tensor,
  tensor,
  traceProgram,
  vjp,
  vmap,
} from '../index.ts';

/** x² above 1, else 2x − 1: a value and a slope without a jump, and a curvature with one. */
const huber = (x: Tensor): Tensor =>
  cond(
    x.greater(1),
    (y) => y.square(),
    (y) => y.mul(2).sub(1),
    x,
  );

describe('cond', () => {
  it('takes one branch, eager and compiled', () => {
    for (const f of [huber, jit(huber)]) expect([f(tensor(3)).item(), f(tensor(-3)).item()]).toEqual([9, -7]);
    expect(
      cond(
        true,
        () => tensor(1),
        () => tensor(2),
      ).item(),
    ).toBe(1);
    let runs = 0;
    const counted = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        () => x,
        () => {
          runs++;
          return x.neg();
        },
      );
    counted(tensor(1));
    expect(runs).toBe(0);
    counted(tensor(-1));
    expect(runs).toBe(1);
  });
  it('has derivatives of any order in both modes', () => {
    for (const at of [3, -3]) {
      checkGrads(huber, [tensor(at)]);
      checkGrads(checkpoint(huber) as typeof huber, [tensor(at)]);
      const slope = at > 1 ? 2 * at : 2;
      const curvature = at > 1 ? 2 : 0;
      expect(jit(grad(huber))(at).item()).toBe(slope);
      expect(jit((x: Tensor) => jvp(huber, [x], [tensor(1)])[1])(at).item()).toBe(slope);
      expect(jit(grad(grad(huber)))(at).item()).toBe(curvature);
      expect(jit((x: Tensor) => jvp(grad(huber), [x], [tensor(1)])[1])(at).item()).toBe(curvature);
      expect(jit(grad((x: Tensor) => jvp(huber, [x], [tensor(1)])[1]))(at).item()).toBe(curvature);
    }
  });
  it('differentiates only the branch that is taken', () => {
    const root = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        (y) => y.sqrt(),
        (y) => y.mul(0),
        x,
      );
    for (const f of [grad(root), jit(grad(root))]) {
      expect(f(4).item()).toBe(0.25);
      expect(f(0).item()).toBe(0);
      expect(f(-1).item()).toBe(0);
    }
  });
  it('selects by example if the examples of a batch differ', () => {
    const x = tensor([3, -3, 1]);
    for (const f of [vmap(huber), jit(vmap(huber))]) expect(f(x).toArray()).toEqual([9, -7, 1]);
    const slopes = [6, 2, 2];
    for (const f of [
      vmap(grad(huber)),
      jit(vmap(grad(huber))),
      grad((y: Tensor) => vmap(huber)(y).sum()),
      jit(grad((y: Tensor) => vmap(huber)(y).sum())),
    ])
      expect(f(x).toArray()).toEqual(slopes);
    // A predicate that all examples share stays a branch.
    const shared = jit(
      vmap(
        (p: Tensor, y: Tensor) =>
          cond(
            p.greater(0),
            () => y.mul(2),
            () => y,
          ),
        { inAxes: [null, 0] },
      ),
    );
    expect(shared(1, x).toArray()).toEqual([6, -6, 2]);
    expect(shared(-1, x).toArray()).toEqual([3, -3, 1]);
    const twice = vmap(vmap(huber));
    expect(
      twice(
        tensor([
          [3, -3],
          [1, 2],
        ]),
      ).toArray(),
    ).toEqual([
      [9, -7],
      [1, 4],
    ]);
    expect(
      jit(twice)(
        tensor([
          [3, -3],
          [1, 2],
        ]),
      ).toArray(),
    ).toEqual([
      [9, -7],
      [1, 4],
    ]);
  });
  it('reads values from outside, and gives trees', () => {
    const f = (p: Tensor, a: Tensor, b: Tensor): { y: Tensor; n: [Tensor, null] } =>
      cond(
        p.greater(0),
        () => ({ y: a.mul(b), n: [a.mul(3), null] }),
        () => ({ y: b.sin(), n: [b, null] }),
      );
    const loss = (p: Tensor, a: Tensor, b: Tensor): Tensor => f(p, a, b).y.add(f(p, a, b).n[0]);
    for (const p of [1, -1]) {
      const eager = (grad(loss, [1, 2])(tensor(p), 2, 5) as Tensor[]).map(bitsOf);
      expect((jit(grad(loss, [1, 2]))(p, 2, 5) as Tensor[]).map(bitsOf)).toEqual(eager);
      const [, pull] = vjp((a: Tensor, b: Tensor) => f(tensor(p), a, b), 2, 5);
      expect(pull({ y: tensor(1), n: [tensor(0), null] })[0].item()).toBe(p > 0 ? 5 : 0);
    }
    expect(jit(f)(1, 2, 5).n[0].item()).toBe(6);
  });
  it('is one equation whose cost is that of the more expensive branch', () => {
    const f = (x: Tensor, w: Tensor): Tensor =>
      cond(
        x.sum().greater(0),
        () => x.matmul(w).matmul(w),
        () => x,
      );
    const avals = [1, 2].map(() => ({ dtype: 'float32', shape: [8, 8] }) as const);
    const program = traceProgram((x, w) => [f(x!, w!)], avals);
    expect(opsOf(program).filter((op) => op === 'branch')).toEqual(['branch']);
    const { flops } = describePlan(planProgram(program));
    expect(flops).toBeGreaterThanOrEqual(2 * 2 * 8 * 8 * 8);
    expect(flops).toBeLessThan(2 * 2 * 8 * 8 * 8 + 200);
  });
  it('works within loops', () => {
    const collatz = (n: Tensor): Tensor =>
      scan(
        (x) => [
          cond(
            x.mul(0.5).floor().mul(2).equal(x),
            (y) => y.mul(0.5),
            (y) => y.mul(3).add(1),
            x,
          ),
          x,
        ],
        n,
        null,
        { length: 8 },
      )[1];
    expect(jit(collatz)(6).toArray()).toEqual([6, 3, 10, 5, 16, 8, 4, 2]);
    expect(collatz(tensor(6)).toArray()).toEqual([6, 3, 10, 5, 16, 8, 4, 2]);
    const last = (n: Tensor): Tensor => collatz(n).at(-1);
    expect(jit(grad(last))(6).item()).toBe(grad(last)(6).item());
    expect(jit(vmap(grad(last)))(tensor([6, 7])).toArray()).toEqual([
      grad(last)(6).item(),
      grad(last)(7).item(),
    ]);
  });
});

describe('switchCase', () => {
  const branches = [(x: Tensor) => x, (x: Tensor) => x.square(), (x: Tensor) => x.mul(x).mul(x)] as const;
  const f = (i: Tensor, x: Tensor): Tensor => switchCase(i, branches, x);
  const index = (values: number | number[]): Tensor => tensor(values, { dtype: 'int32' });

  it('chooses among many branches, and limits the index to the first and last', () => {
    for (const [i, expected] of [
      [0, 2],
      [1, 4],
      [2, 8],
      [7, 8],
      [-3, 2],
    ] as const) {
      expect(f(index(i), tensor(2)).item()).toBe(expected);
      expect(jit(f)(index(i), 2).item()).toBe(expected);
    }
    expect(switchCase(1, branches, 3).item()).toBe(9);
  });
  it('differentiates and batches', () => {
    const all = index([0, 1, 2, 9]);
    for (const g of [vmap(f, { inAxes: [0, null] }), jit(vmap(f, { inAxes: [0, null] }))])
      expect(g(all, 2).toArray()).toEqual([2, 4, 8, 8]);
    for (const g of [vmap(grad(f, 1), { inAxes: [0, null] }), jit(vmap(grad(f, 1), { inAxes: [0, null] }))])
      expect(g(all, 2).toArray()).toEqual([1, 4, 12, 12]);
    expect(jit(grad(f, 1))(index(2), 2).item()).toBe(12);
  });
});

describe('mistakes', () => {
  const x = tensor(1);
  it.each<[string, () => unknown, RegExp]>([
    [
      'a predicate that is not bool',
      () =>
        cond(
          x,
          () => x,
          () => x,
        ),
      /cond: the predicate is float64\[\], not bool\[\]; compare/,
    ],
    [
      'a predicate of many elements',
      () =>
        cond(
          tensor([1, 2]).greater(1),
          () => x,
          () => x,
        ),
      /cond: the predicate is bool\[2\], not bool\[\]/,
    ],
    [
      'branches of two structures',
      () =>
        jit((p: Tensor) =>
          cond(
            p.greater(0),
            () => [x] as unknown as Tensor,
            () => x,
          ),
        )(1),
      /cond: onTrue gives an array of 1 where onFalse gives a leaf/,
    ],
    [
      'branches of two shapes',
      () =>
        jit((p: Tensor) =>
          cond(
            p.greater(0),
            () => tensor([1, 2]),
            () => x,
          ),
        )(1),
      /cond: leaf 0 is float64\[2\] in onTrue and float64\[\] in onFalse/,
    ],
    [
      'branches of two types in a batch',
      () =>
        vmap((p: Tensor) =>
          cond(
            p.greater(0),
            () => cast(x, 'float32'),
            () => x,
          ),
        )(tensor([1, -1])),
      /cond: leaf 0 is float32\[\] in onTrue and float64\[\] in onFalse/,
    ],
    ['no branches', () => switchCase(0, []), /switchCase: needs at least one branch/],
    [
      'a fractional index',
      () => switchCase(tensor(1), [() => x]),
      /switchCase: the index is float64\[\], not int32\[\]/,
    ],
    [
      'a sum over shards',
      () =>
        jit((p: Tensor) =>
          cond(
            p.greater(0),
            (y) => allReduceSum(y),
            (y) => y,
            p,
          ),
        )(1),
      /cond: allReduceSum crosses shards/,
    ],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
