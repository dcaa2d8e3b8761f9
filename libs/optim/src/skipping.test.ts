import { flatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { dataOf, finalOf, float, gradsAt, params, progressAt, stepOf } from './fixtures/runs.ts';
import { adam, sgd } from './optimizers.ts';
import { skipNonFinite } from './skipping.ts';
import type { TensorTree } from './transformation.ts';

/** The updates of one weight, one for each gradient. */
function movesOf(grads: readonly number[], most?: number) {
  const optimizer = skipNonFinite(sgd(1), most === undefined ? {} : { most });
  const w = { w: float([0, 0]) };
  let state = optimizer.init(w);
  const moves = grads.map((g, k) => {
    const [updates, next] = optimizer.update({ w: float([1, g]) }, state, w, progressAt(k));
    state = next;
    return Array.from(flatten(updates).leaves[0]!.data);
  });
  return { moves, numInARow: state.numInARow.item(), numSkipped: state.numSkipped.item() };
}

describe('skipNonFinite', () => {
  it('skips steps with an infinity or a NaN, and counts them', () => {
    const { moves, ...counts } = movesOf([
      2,
      Number.NaN,
      3,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    expect(moves).toEqual([
      [-1, -2],
      [0, 0],
      [-1, -3],
      [0, 0],
      [0, 0],
    ]);
    expect(counts).toEqual({ numInARow: 2, numSkipped: 3 });
  });

  it('applies a step after `most` consecutive skips', () => {
    const { moves, numSkipped } = movesOf([Number.NaN, Number.NaN, Number.NaN, 4], 2);
    expect(moves).toEqual([
      [0, 0],
      [0, 0],
      [-1, Number.NaN],
      [-1, -4],
    ]);
    expect(numSkipped).toBe(2);
  });

  it('equals its inner optimizer otherwise, whose state a skipped step does not change', () => {
    expect(finalOf(skipNonFinite(adam(0.1)))).toEqual(finalOf(adam(0.1)));
    const optimizer = skipNonFinite(adam(0.1));
    const step = stepOf(optimizer);
    const first = step(optimizer.init(params), params, gradsAt(0), progressAt(0));
    const broken = { ...(gradsAt(1) as object), scale: float([Number.NaN]).reshape([]) } as TensorTree;
    const [state, current] = step(...first, broken, progressAt(1));
    expect(dataOf(current)).toEqual(dataOf(first[1]));
    expect(dataOf((state as { inner: TensorTree }).inner)).toEqual(
      dataOf((first[0] as { inner: TensorTree }).inner),
    );
  });

  it('does not skip large finite gradients', () => {
    expect(movesOf([3e38, 3e38]).numSkipped).toBe(0);
  });

  it('refuses fractions of steps', () => {
    expect(() => skipNonFinite(sgd(1), { most: 0.5 })).toThrow(/most is 0.5; it must be a whole number ≥ 0/);
  });
});
