/** Transformations and constructs nested in each other at random: the results are the same in every order. */
import { LockstepError } from '@lockstep/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRecipe, functionOf, type Recipe, recipes } from '../fixtures/compositions.ts';
import { ordinary } from '../fixtures/values.ts';
import { grad, jit, jvp, numericalGrad, stack, type Tensor, vmap } from '../index.ts';

const [x, y] = [ordinary([2])(1), ordinary([2])(2)];
const numRuns = Number(process.env.LOCKSTEP_RANDOM_RUNS ?? 40);
const seed = Number(process.env.LOCKSTEP_RANDOM_SEED ?? 1);

/** Combinations that are refused: reverse mode of a while loop in a program, forward mode of a customVjp. */
const isRefused = (error: unknown): boolean =>
  error instanceof LockstepError && ['whileLoop', 'customVjp'].includes(String(error.facts.op));

function near(what: string, found: () => Tensor, expected: () => Tensor, tolerance = 1e-9): void {
  let result: Tensor;
  try {
    result = found();
  } catch (error) {
    if (isRefused(error)) return;
    throw error;
  }
  const wanted = expected();
  expect([result.dtype, result.shape], what).toEqual([wanted.dtype, wanted.shape]);
  for (const [i, value] of wanted.data.entries())
    expect(Math.abs(result.data[i]! - value), `${what}: ${result} is not ${wanted}`).toBeLessThanOrEqual(
      tolerance * (1 + Math.abs(value)),
    );
}

type Binary = (a: Tensor, b: Tensor) => Tensor;
type Check = (f: Binary, plain: Binary, recipe: Recipe) => void;

const holds = (check: Check): void =>
  fc.assert(
    fc.property(recipes, (recipe: Recipe) => {
      try {
        check(functionOf(recipe, 'constructs'), functionOf(recipe, 'plain'), recipe);
      } catch (error) {
        if (isRefused(error)) return;
        throw new Error(`${formatRecipe(recipe)}: ${(error as Error).message}`, { cause: error });
      }
    }),
    { numRuns, seed },
  );

describe('random compositions', () => {
  it('give the bits of eager execution also in float32, where chains are fused', () => {
    const [a, b] = [x, y].map((each) => each.cast('float32')) as [Tensor, Tensor];
    holds((f, _plain, recipe) => {
      // Eagerly a branch or a loop is part of its surroundings, so cotangents may be added in another order.
      const tolerance = /cond|scan|Loop|mapOver/.test(formatRecipe(recipe)) ? 1e-4 : 0;
      const slope = grad((p: Tensor, q: Tensor) => f(p, q).sum());
      const rows = (g: typeof f): Tensor => stack([g(a, b), g(b, b)]);
      near(
        'jit',
        () => jit(f)(a, b),
        () => f(a, b),
        tolerance,
      );
      near(
        'jit of grad',
        () => jit(slope)(a, b),
        () => slope(a, b),
        tolerance,
      );
      near(
        'jit of vmap',
        () => jit(vmap(f))(stack([a, b]), stack([b, b])),
        () => rows(f),
        tolerance,
      );
    });
  });
  it('have the values of their direct evaluation', () => {
    holds((f, plain) => {
      near(
        'eager',
        () => f(x, y),
        () => plain(x, y),
      );
      near(
        'jit',
        () => jit(f)(x, y),
        () => f(x, y),
        0,
      );
      near(
        'vmap',
        () => vmap(f, { inAxes: [0, null] })(stack([x, y]), y),
        () => stack([f(x, y), f(y, y)]),
      );
    });
  });
  it('have their derivatives, in both modes', () => {
    holds((f, plain) => {
      const [of, by] = [f, plain].map((each) => (a: Tensor) => each(a, y).sum()) as [
        (a: Tensor) => Tensor,
        (a: Tensor) => Tensor,
      ];
      const expected = grad(by)(x);
      near(
        'differences',
        () => expected,
        () => numericalGrad(by)(x),
        1e-5,
      );
      near(
        'grad',
        () => grad(of)(x),
        () => expected,
      );
      near(
        'jit of grad',
        () => jit(grad(of))(x),
        () => expected,
      );
      near(
        'jvp',
        () => jvp(of, [x], [y])[1],
        () => expected.dot(y),
      );
      near(
        'jit of jvp',
        () => jit((a: Tensor) => jvp(of, [a], [y])[1])(x),
        () => expected.dot(y),
      );
      near(
        'jit of vmap of grad',
        () => jit(vmap(grad(of)))(stack([x, y])),
        () => stack([expected, grad(by)(y)]),
      );
    });
  });
  it('have second derivatives', () => {
    holds((f, plain) => {
      const slope =
        (each: typeof f) =>
        (a: Tensor): Tensor =>
          grad((p: Tensor) => each(p, y).sum())(a);
      const expected = (): Tensor => jvp(slope(plain), [x], [y])[1];
      near('jvp of grad', () => jvp(slope(f), [x], [y])[1], expected);
      near('grad of grad', () => grad((a: Tensor) => slope(f)(a).dot(y))(x), expected);
      near('jit of grad of grad', () => jit(grad((a: Tensor) => slope(f)(a).dot(y)))(x), expected);
      near(
        'grad of jvp',
        () => grad((a: Tensor) => jvp((p: Tensor) => f(p, y).sum(), [a], [y])[1])(x),
        expected,
      );
    });
  });
});
