import { tensor } from '@lockstep/autodiff';
import { flatten, map } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { byNoiseScale } from './batch-growth.ts';
import { dataOf, float, gradsAt, numSteps, params, progressAt, run, stepOf } from './fixtures/runs.ts';
import { adam, sgd } from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { scaleBySchedule } from './scaling.ts';
import { skipNonFinite } from './skipping.ts';
import { stepMetricsOf } from './step-metrics.ts';
import {
  chain,
  type Empty,
  type GradientTransformation,
  stateless,
  type TensorTree,
} from './transformation.ts';

describe('accumulateGradients', () => {
  it.each([2, 3, 5])('over %i equal batches equals one step, bit for bit', (every) => {
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

  it('weights steps by their samples, so that a group with a short batch equals the large batch', () => {
    const optimizer = accumulateGradients(3, chain(reduceOnPlateau(), sgd(1)));
    const grads = { w: float([0]) };
    let state = optimizer.init(grads);
    // Means of 4, 4 and 1 samples: (4·3 + 4·6 + 1·27)/9 = 7; the mean over steps would be 12.
    let move = 0;
    for (const [k, [mean, samples]] of (
      [
        [3, 4],
        [6, 4],
        [27, 1],
      ] as const
    ).entries()) {
      const [one, count] = [float([mean]), tensor(samples, { dtype: 'float32' })];
      const progress = { ...progressAt(k), loss: one.reshape([]), samples: count };
      const [updates, next] = optimizer.update({ w: one }, state, grads, progress);
      state = next;
      move = flatten(updates).leaves[0]!.item();
    }
    expect(move).toBeCloseTo(-7, 5);
    expect(state.inner[0].best.item()).toBeCloseTo(7, 5);
  });

  it('weights steps equally without a number of samples', () => {
    const optimizer = accumulateGradients(2, sgd(1));
    const tree = { w: float([0]) };
    let state = optimizer.init(tree);
    const moves = [2, 4, 6, 10].map((g, k) => {
      const [updates, next] = optimizer.update({ w: float([g]) }, state, tree, {
        step: tensor(k),
        totalSteps: 4,
      });
      state = next;
      return flatten(updates).leaves[0]!.item();
    });
    expect(moves).toEqual([0, -3, 0, -8]);
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

  it('passes the mean loss on', () => {
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

  it('forgets a bad batch with the update that it spoilt', () => {
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

  it('loses no batch when a step is skipped', () => {
    const optimizer = skipNonFinite(accumulateGradients(2, sgd(1)));
    expect(movesOf(optimizer, [1, Number.NaN, 3, 5, 7])).toEqual([0, 0, -2, 0, -6]);
  });
});

/** The updates of one parameter for given gradients. */
function movesOf<S>(optimizer: GradientTransformation<S>, gradients: readonly number[]): number[] {
  const tree = { w: float([0]) };
  let state = optimizer.init(tree);
  return gradients.map((g, k) => {
    const [updates, next] = optimizer.update({ w: float([g]) }, state, tree, progressAt(k));
    state = next;
    return flatten(updates).leaves[0]!.item();
  });
}

/** Reports the progress that it gets. */
const counting: GradientTransformation<Empty> = stateless(
  (_grads, _params, { step, totalSteps, samples }) => ({
    w: step.add(totalSteps / 100).add(samples!.div(1000)),
  }),
);

describe('a growing batch', () => {
  it('changes at updates, by a table', () => {
    const stages = [
      { from: 0, every: 1 },
      { from: 2, every: 3 },
      { from: 3, every: 2 },
    ];
    const moves = movesOf(accumulateGradients(stages, sgd(1)), [1, 2, 3, 4, 5, 6, 8, 10, 12, 14]);
    expect(moves).toEqual([-1, -2, 0, 0, -4, 0, -7, 0, -11, 0]);
  });

  it('gives the inner optimizer its own step, run length and samples', () => {
    // 12 steps: 2 updates of 1 step, 1 of 3 and, from the 7 steps left, 3 of 2.
    const stages = [
      { from: 0, every: 1 },
      { from: 2, every: 3 },
      { from: 3, every: 2 },
    ];
    const moves = movesOf(
      accumulateGradients(stages, counting),
      Array.from({ length: numSteps }, () => 1),
    );
    const told = moves.filter((move) => move !== 0).map((move) => Math.round(move * 1000));
    expect(told).toEqual([64, 1064, 2072, 3068, 4068, 5068]);
    // A stage that the run does not reach adds nothing.
    const far = accumulateGradients([...stages.slice(0, 1), { from: 10, every: 5 }], counting);
    const last = movesOf(
      far,
      Array.from({ length: numSteps }, () => 1),
    ).at(-1)!;
    expect(last).toBe(0);
    expect(Math.round(movesOf(far, [1])[0]! * 1000)).toBe(104);
  });

  it('may scale the rate', () => {
    const stages = [
      { from: 0, every: 1 },
      { from: 1, every: 4 },
    ];
    const gradients = [1, 1, 1, 1, 1];
    expect(movesOf(accumulateGradients(stages, sgd(1), { rule: 'linear' }), gradients)).toEqual([
      -1, 0, 0, 0, -4,
    ]);
    expect(movesOf(accumulateGradients(stages, sgd(1), { rule: 'sqrt' }), gradients)).toEqual([
      -1, 0, 0, 0, -2,
    ]);
  });

  it('follows the noise: it is small while gradients agree and large otherwise', () => {
    const optimizer = accumulateGradients(byNoiseScale({ most: 4, decay: 0.5 }), sgd(1));
    const tree = { w: float([0]) };
    let state = optimizer.init(tree);
    const seen = [1, 1, 1, 8, -6, 8, -6, 8, -6, 8, -6].map((g, k) => {
      const [updates, next] = optimizer.update({ w: float([g]) }, state, tree, progressAt(k));
      state = next;
      const { accumulatedSteps, noiseScale } = stepMetricsOf(state);
      return [
        accumulatedSteps!.item(),
        noiseScale!.item(),
        flatten(updates).leaves[0]!.item() !== 0,
      ] as const;
    });
    // Without an estimate (NaN) and without noise (0), every step is an update.
    expect(seen.slice(0, 3).map(([, scale]) => scale)).toEqual([Number.NaN, 0, 0]);
    expect(seen.slice(0, 4).map(([steps, , moves]) => [steps, moves])).toEqual(Array(4).fill([1, true]));
    // Later, each update accumulates as many steps as the estimate at the previous update asked for.
    let [left, wanted] = [0, 1];
    for (const [steps, scale, moves] of seen) {
      if (left === 0) left = wanted;
      expect(steps).toBe(wanted);
      left--;
      expect(moves).toBe(left === 0);
      if (left === 0 && !Number.isNaN(scale)) wanted = Math.min(4, Math.max(1, Math.floor(scale / 4 + 0.5)));
    }
    expect(seen.map(([steps]) => steps)).toContain(4);
  });

  it('refuses invalid rules', () => {
    const stages =
      (...rule: readonly (readonly [from: number, every: number])[]) =>
      () =>
        accumulateGradients(
          rule.map(([from, every]) => ({ from, every })),
          sgd(1),
        );
    expect(stages()).toThrow(/the first stage begins at undefined; it must begin at 0, as in/);
    expect(stages([1, 2])).toThrow(/the first stage begins at 1; it must begin at 0/);
    expect(stages([0, 1], [5, 0])).toThrow(/every is 0; it must be a whole number ≥ 1/);
    expect(stages([0, 1], [5, 2], [5, 4])).toThrow(/from is \[5, 5\]; give whole numbers ≥ 1, each greater/);
    expect(() => byNoiseScale({ most: 0 })).toThrow(/byNoiseScale: most is 0/);
    expect(() => byNoiseScale({ most: 8, decay: 1 })).toThrow(/byNoiseScale: decay is 1/);
  });
});
