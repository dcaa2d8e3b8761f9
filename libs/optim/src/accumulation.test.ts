import { tensor } from '@lockstep/autodiff';
import { flatten, map } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { dataOf, float, gradsAt, numSteps, params, progressAt, run, stepOf } from './fixtures/runs.ts';
import { adam, sgd } from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { scaleBySchedule } from './scaling.ts';
import { chain, type TensorTree } from './transformation.ts';

describe('accumulateGradients', () => {
  it.each([2, 3, 5])('of %i equal batches is one step, to the bit', (every) => {
    const optimizer = accumulateGradients(every, adam(0.1));
    const [accumulate, once] = [stepOf(optimizer), stepOf(adam(0.1))];
    let [state, current] = [optimizer.init(params) as TensorTree, params];
    let [plainState, plain] = [adam(0.1).init(params) as TensorTree, params];
    for (let k = 0; k < 4 * every; k++) {
      const update = Math.floor(k / every);
      [state, current] = accumulate(state, current, gradsAt(update), progressAt(k));
      if (k % every === every - 1) {
        [plainState, plain] = once(plainState, plain, gradsAt(update), progressAt(update));
      }
      expect(dataOf(current)).toEqual(dataOf(plain));
    }
    expect(dataOf((state as { inner: TensorTree }).inner)).toEqual(dataOf(plainState));
  });

  it('steps with the mean of different batches', () => {
    const [, current] = run(accumulateGradients(4, sgd(0.5)), 4).at(-1)!;
    const mean = [0, 1, 2, 3].map((k) => gradsAt(k)).reduce((a, b) => map((x, y) => x.add(y), a, b));
    const expected = map((w, g) => w.sub(g.mul(0.5 / 4)), params, mean);
    const [found, wanted] = [current, expected].map((tree) =>
      flatten(tree).leaves.flatMap((x) => Array.from(x.data)),
    );
    for (const [i, value] of found!.entries()) expect(value).toBeCloseTo(wanted![i]!, 5);
  });

  it('lets the inner optimizer count its own updates', () => {
    const seen = scaleBySchedule((step, totalSteps) => step.mul(0).add(totalSteps).add(step.mul(100)));
    const optimizer = accumulateGradients(3, seen);
    const grads = { w: float([1]) };
    let state = optimizer.init(grads);
    const moves = Array.from({ length: numSteps }, (_, k) => {
      const [updates, next] = optimizer.update(grads, state, grads, progressAt(k));
      state = next;
      return flatten(updates).leaves[0]!.item();
    });
    expect(moves).toEqual([0, 0, 4, 0, 0, 104, 0, 0, 204, 0, 0, 304]);
  });

  it('hands on the mean loss', () => {
    const optimizer = accumulateGradients(2, chain(reduceOnPlateau(), sgd(0.1)));
    const grads = { w: float([1]) };
    let state = optimizer.init(grads);
    for (const [k, loss] of [3, 5, 9, 1].entries()) {
      const progress = { ...progressAt(k), loss: tensor(loss, { dtype: 'float32' }) };
      [, state] = optimizer.update(grads, state, grads, progress);
    }
    // Means 4 and 5.
    expect(state.inner[0].best.item()).toBe(4);
    expect(state.inner[0].numBad.item()).toBe(1);
  });

  it('forgets a bad batch with the update it spoilt', () => {
    const optimizer = accumulateGradients(2, sgd(0.1));
    let state = optimizer.init({ w: float([1]) });
    const moves = [Number.NaN, 1, 1, 1].map((g, k) => {
      const grads = { w: float([g]) };
      const [updates, next] = optimizer.update(grads, state, grads, progressAt(k));
      state = next;
      return flatten(updates).leaves[0]!.item();
    });
    expect(moves).toEqual([0, Number.NaN, 0, Math.fround(-0.1)]);
  });
});
