import { flatten, map } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { averagedParams, emaParams, lookahead, swaParams } from './averaging.ts';
import { dataOf, finalOf, numSteps, params, run } from './fixtures/runs.ts';
import { masked } from './masks.ts';
import { adam, sgd } from './optimizers.ts';
import { chain, type TensorTree } from './transformation.ts';

const points = run(sgd(0.1)).map(([, current]) => current);
const numbers = (tree: TensorTree): number[] => flatten(tree).leaves.flatMap(({ data }) => Array.from(data));

/** The average of a run of gradient descent, and its expected value. */
function expectAverage(link: ReturnType<typeof emaParams>, weights: readonly number[], ofStart = 0): void {
  const [state, current] = run(chain(sgd(0.1), link)).at(-1)!;
  const found = numbers(averagedParams(state));
  const expected = numbers(params).map((start, i) =>
    points.reduce((sum, point, k) => sum + weights[k]! * numbers(point)[i]!, ofStart * start),
  );
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  expect(dataOf(current)).toEqual(finalOf(sgd(0.1)));
}

describe('emaParams', () => {
  const powers = points.map((_, k) => 0.1 * 0.9 ** (numSteps - 1 - k));
  const kept = 0.9 ** numSteps;

  it('averages the resulting parameters and does not change updates', () => {
    expectAverage(emaParams({ decay: 0.9 }), powers, kept);
  });

  it('ignores the initial parameters when debiased', () => {
    expectAverage(
      emaParams({ decay: 0.9, debias: true }),
      powers.map((weight) => weight / (1 - kept)),
    );
  });
});

describe('swaParams', () => {
  it('is the mean of all points, or of selected ones', () => {
    expectAverage(
      swaParams(),
      points.map(() => 1 / numSteps),
    );
    const counted = points.map((_, k) => (k >= 3 && (k - 3) % 4 === 0 ? 1 / 3 : 0));
    expectAverage(swaParams({ start: 3, every: 4 }), counted);
  });

  it('is the initial parameters until a point counts, and then exactly that point', () => {
    const states = run(chain(sgd(0.1), swaParams({ start: 4, every: 4 }))).map(([state]) => state);
    expect(dataOf(averagedParams(states[3]))).toEqual(dataOf(params));
    expect(dataOf(averagedParams(states[4]))).toEqual(dataOf(points[4]!));
    expect(dataOf(averagedParams(states[7]))).toEqual(dataOf(points[4]!));
  });
});

describe('averagedParams', () => {
  it('finds the average at any depth', () => {
    const plain = run(chain(sgd(0.1), emaParams()), 3).at(-1)![0];
    const deep = run(chain(masked(chain(chain(sgd(0.1)), emaParams()), () => true)), 3).at(-1)![0];
    expect(dataOf(averagedParams(deep))).toEqual(dataOf(averagedParams(plain)));
  });

  it('refuses states with no average or with two', () => {
    expect(() => averagedParams(adam(0.1).init(params))).toThrow(
      /the state holds 0 averages; chain exactly one/,
    );
    const both = chain(sgd(0.1), emaParams(), swaParams());
    expect(() => averagedParams(both.init(params))).toThrow(/the state holds 2 averages/);
  });
});

describe('lookahead', () => {
  it('equals its inner optimizer, but goes half way back at each k-th update', () => {
    const fast = run(sgd(0.1), 3).map(([, current]) => current);
    const slow = run(lookahead(sgd(0.1), { every: 3, rate: 0.5 }), 3).map(([, current]) => current);
    expect(dataOf(slow[1]!)).toEqual(dataOf(fast[1]!));
    const halfway = map((a, b) => a.add(b).mul(0.5), params, fast[2] as TensorTree);
    for (const [i, value] of numbers(slow[2]!).entries()) expect(value).toBeCloseTo(numbers(halfway)[i]!, 6);
  });

  it('equals its inner optimizer with rate 1 and k = 1', () => {
    const found = numbers(run(lookahead(sgd(0.1), { every: 1, rate: 1 })).at(-1)![1]);
    for (const [i, value] of numbers(points.at(-1)!).entries()) expect(found[i]).toBeCloseTo(value, 5);
  });
});
