/**
 * Containers of arrays under all transformations, treated as vectors (after Autograd's tests of lists, dicts, tuples
 * and vector spaces).
 */
import { flatten, map, type Tree, unflatten } from '@lockstep/tree';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitNumbers } from '../fixtures/values.ts';
import { concatenate, grad, hessian, hvp, jvp, type Tensor, tensor, vjp } from '../index.ts';

type Arrays = Tree<Tensor>;

/** A tree with arrays of small shapes, drawn from a seed. */
const drawn = (shapes: Tree<number[]>, seed: number): Arrays => {
  const isShape = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((length) => typeof length === 'number');
  const { leaves, structure } = flatten(shapes as unknown, isShape);
  return unflatten(
    structure,
    leaves.map((shape, i) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const values = unitNumbers(size, 100 * seed + i).map((u) => 2 * u - 1);
      return tensor(Float64Array.from(values), { shape });
    }),
  );
};

const shapes: fc.Arbitrary<Tree<number[]>> = fc.letrec<{ tree: Tree<number[]> }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<number[]>([2], [1, 3], [2, 2]),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('tree'), { minKeys: 1, noNullPrototype: true }),
  ),
})).tree;

const plus = (a: Arrays, b: Arrays): Arrays => map((x: Tensor, y: Tensor) => x.add(y), a, b) as Arrays;
const times = (k: number, a: Arrays): Arrays => map((x: Tensor) => x.mul(k), a) as Arrays;
const inner = (a: Arrays, b: Arrays): Tensor => {
  const products = flatten(map((x: Tensor, y: Tensor) => x.mul(y).sum(), a, b)).leaves as Tensor[];
  return products.reduce((sum, part) => sum.add(part), tensor(0));
};

function same(a: Arrays, b: Arrays, tolerance = 1e-12): void {
  const [x, y] = [flatten(a), flatten(b)];
  expect(x.structure).toEqual(y.structure);
  for (const [i, leaf] of (x.leaves as Tensor[]).entries()) {
    const other = y.leaves[i] as Tensor;
    expect(leaf.shape).toEqual(other.shape);
    for (const [j, value] of leaf.data.entries())
      expect(Math.abs(value - other.data[j]!)).toBeLessThan(tolerance);
  }
}

const runs = { numRuns: 20, seed: 7 };
const scale = fc.integer({ min: -3, max: 3 });

/** A nonlinear function of all leaves, with results in another container. */
const mixed = (tree: Arrays): { total: Tensor; parts: Tensor[] } => {
  const leaves = flatten(tree).leaves as Tensor[];
  const total = leaves.map((x) => x.sin().sum()).reduce((sum, part) => sum.add(part));
  return { total, parts: leaves.map((x) => x.mul(total)) };
};

describe('trees of arrays are a vector space', () => {
  const axiom = (
    name: string,
    holds: (a: Arrays, b: Arrays, c: Arrays, k: number, l: number) => void,
  ): void => {
    it(name, () => {
      fc.assert(
        fc.property(shapes, scale, scale, (tree, k, l) => {
          holds(drawn(tree, 1), drawn(tree, 2), drawn(tree, 3), k, l);
        }),
        runs,
      );
    });
  };
  axiom('addition is associative', (a, b, c) => same(plus(a, plus(b, c)), plus(plus(a, b), c)));
  axiom('addition commutes', (a, b) => same(plus(a, b), plus(b, a), 1e-300));
  axiom('the zero is the gradient by an unused argument', (a) => {
    const zero = grad((_tree: Arrays) => tensor(1))(a) as Arrays;
    same(plus(a, zero), a, 1e-300);
  });
  axiom('there are inverses', (a) => same(plus(a, times(-1, a)), times(0, a), 1e-300));
  axiom('scaling composes', (a, _b, _c, k, l) => same(times(k, times(l, a)), times(k * l, a)));
  axiom('a factor of one changes nothing', (a) => same(times(1, a), a, 1e-300));
  axiom('scaling distributes over vectors', (a, b, _c, k) =>
    same(times(k, plus(a, b)), plus(times(k, a), times(k, b))),
  );
  axiom('scaling distributes over numbers', (a, _b, _c, k, l) =>
    same(times(k + l, a), plus(times(k, a), times(l, a))),
  );
  axiom('the inner product is positive, and its gradient is the other vector', (a, b) => {
    expect(inner(a, a).item()).toBeGreaterThan(0);
    same(grad((x: Arrays) => inner(x, b))(a) as Arrays, b, 1e-300);
  });
  axiom('derivatives are linear, and the modes are adjoint', (a, b, c, k) => {
    const push = (t: Arrays): Arrays => jvp(mixed as (tree: Arrays) => Arrays, [a], [t])[1];
    same(push(plus(times(k, b), c)), plus(times(k, push(b)), push(c)), 1e-10);
    const [, pull] = vjp(mixed as (tree: Arrays) => Arrays, a);
    const ct = push(c);
    expect(inner(push(b), ct).item()).toBeCloseTo(inner(b, pull(ct)[0] as Arrays).item(), 9);
  });
});

describe('lists, tuples and objects', () => {
  const at = [tensor([1, 2]), tensor(3), tensor([[4]])] as const;
  it('have gradients of their own form, element by element and by parts of lists', () => {
    const second = (list: readonly Tensor[]): Tensor => list[1]!.square().mul(list[0]!.sum());
    expect(grad(second)([...at]).map((x) => x.toArray())).toEqual([[9, 9], 18, [[0]]]);
    const tail = (list: readonly Tensor[]): Tensor =>
      list
        .slice(1)
        .map((x) => x.sum())
        .reduce((a, b) => a.mul(b));
    expect(grad(tail)([...at]).map((x) => x.toArray())).toEqual([[0, 0], 4, [[3]]]);
  });
  it('may be made inside a function and taken apart again', () => {
    const f = (x: Tensor): Tensor => {
      const record = { list: [x, x.mul(2)], last: x.square() };
      const { list, last } = record;
      return [...list, last].reduce((a, b) => a.mul(b)).sum();
    };
    // x · 2x · x² = 2x⁴
    expect(grad(f)(3).item()).toBe(8 * 27);
    expect(grad((x: Tensor) => grad(f)(x))(3).item()).toBe(24 * 9);
  });
  it('may hold gradients, which are differentiated again', () => {
    const f = ({ a, b }: { a: Tensor; b: readonly [Tensor, Tensor] }): Tensor => a.mul(b[0]).mul(b[1]);
    const norm = (p: { a: Tensor; b: readonly [Tensor, Tensor] }): Tensor => {
      const { a, b } = grad(f)(p);
      return a.square().add(b[0].square()).add(b[1].square());
    };
    const { a, b } = grad(norm)({ a: tensor(2), b: [tensor(3), tensor(5)] });
    // |∇|² = (b₀b₁)² + (ab₁)² + (ab₀)²
    expect([a, ...b].map(Number)).toEqual([
      2 * 2 * 25 + 2 * 2 * 9,
      2 * 3 * 25 + 2 * 4 * 3,
      2 * 9 * 5 + 2 * 4 * 5,
    ]);
  });
  it('are arguments of second derivatives', () => {
    const f = ({ w, list }: { w: Tensor; list: Tensor[] }): Tensor => w.mul(list[0]!).sum().square();
    const point = { w: tensor([1, 2]), list: [tensor([3, 4])] };
    const blocks = hessian(f)(point);
    expect(blocks.w.list[0]!.shape).toEqual([2, 2]);
    const direction = { w: tensor([1, 0]), list: [tensor([0, 0])] };
    const product = hvp(f)([point], direction);
    expect(product.w.toArray()).toEqual([18, 24]);
    expect(product.list[0]!.toArray()).toEqual([2 * 11 + 2 * 3 * 1, 2 * 3 * 2]);
  });
  it('may be empty', () => {
    expect(
      grad((x: { used: Tensor; none: Tensor[] }) => x.used.square())({ used: tensor(2), none: [] }),
    ).toMatchObject({
      none: [],
    });
  });
});

describe('are flattened and unflattened inside a function that is differentiated', () => {
  const model = {
    layers: [
      { w: tensor([[1, 2]]), b: tensor([0.5]) },
      { w: tensor([[3]]), b: tensor([1]) },
    ],
  };
  type Model = typeof model;
  const loss = ({ layers }: Model): Tensor =>
    layers.map(({ w, b }) => w.sin().sum().mul(b.sum())).reduce((a, b) => a.add(b));
  it('give the gradient by one vector of all parameters', () => {
    const { leaves, structure } = flatten(model);
    const sizes = leaves.map((x) => x.size);
    const vector = concatenate(leaves.map((x) => x.reshape([x.size])));
    const ofVector = (v: Tensor): Tensor => {
      let from = 0;
      const parts = leaves.map((x, i) => {
        const part = v.slice([from], [from + sizes[i]!]).reshape(x.shape);
        from += sizes[i]!;
        return part;
      });
      return loss(unflatten(structure, parts) as unknown as Model);
    };
    const expected = flatten(grad(loss)(model)).leaves.flatMap((x) => [...x.data]);
    expect([...grad(ofVector)(vector).data]).toEqual(expected);
    expect(hessian(ofVector)(vector).shape).toEqual([vector.size, vector.size]);
  });
});
