import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignBrackets,
  bracketSizes,
  hyperband,
  isBelowMedian,
  maximize,
  minimize,
  successiveHalving,
  survivors,
} from '../index.ts';

const rungsOf = (options: Parameters<typeof hyperband>[0]) =>
  hyperband(options).brackets.map(({ rungs }) => rungs.map(({ trials, steps }) => [trials, steps]));

describe('hyperband', () => {
  it('has the table of the paper for R = 81, η = 3', () => {
    // Li et al. (2018), table 1, with the sizes of brackets of their formula.
    expect(rungsOf({ min: 1, max: 81 })).toEqual([
      [
        [81, 1],
        [27, 3],
        [9, 9],
        [3, 27],
        [1, 81],
      ],
      [
        [34, 3],
        [11, 9],
        [3, 27],
        [1, 81],
      ],
      [
        [15, 9],
        [5, 27],
        [1, 81],
      ],
      [
        [8, 27],
        [2, 81],
      ],
      [[5, 81]],
    ]);
  });

  it('has the table for R = 16, η = 4', () => {
    expect(rungsOf({ min: 1, max: 16, eta: 4 })).toEqual([
      [
        [16, 1],
        [4, 4],
        [1, 16],
      ],
      [
        [6, 4],
        [1, 16],
      ],
      [[3, 16]],
    ]);
  });

  it('begins at about the fewest steps and ends at the most', () => {
    expect(rungsOf({ min: 100, max: 2700 })).toEqual(
      rungsOf({ min: 1, max: 27 }).map((rungs) => rungs.map(([trials, steps]) => [trials, 100 * steps!])),
    );
    expect(rungsOf({ min: 10, max: 100 })[0]!.map(([, steps]) => steps)).toEqual([11, 33, 100]);
    expect(rungsOf({ min: 60, max: 100 })).toEqual([[[1, 100]]]);
  });

  it.each([
    [{ min: 10, max: 1 }, 'hyperband: min is 10 and max is 1; exchange them?'],
    [{ min: 1, max: 10, eta: 1 }, 'hyperband: eta is 1; it must be a whole number ≥ 2'],
    [{ min: 1 }, 'hyperband: max is missing'],
    [{ min: 1, max: 81, ets: 3 }, "did you mean 'eta'"],
  ])('refuses %o', (options, message) => {
    expect(() => hyperband(options as never)).toThrow(message);
  });
});

it('successive halving has one bracket', () => {
  const { brackets } = successiveHalving({ min: 10, max: 90, trials: 24 });
  expect(brackets).toEqual([
    {
      rungs: [
        { trials: 24, steps: 10 },
        { trials: 8, steps: 30 },
        { trials: 2, steps: 90 },
      ],
    },
  ]);
  expect(successiveHalving({ min: 10, max: 90 }).brackets[0]!.rungs[0]).toEqual({ trials: 9, steps: 10 });
});

describe('brackets', () => {
  it('are filled in turn', () => {
    const plan = hyperband({ min: 1, max: 9 });
    expect(bracketSizes(plan)).toEqual([9, 5, 3]);
    const assigned = assignBrackets(plan, 22);
    expect(assigned.map(({ index, trials }) => [index, trials[0], trials.length])).toEqual([
      ...[
        [0, 0, 9],
        [1, 9, 5],
        [2, 14, 3],
        [0, 17, 5],
      ],
    ]);
    // The last one is not full.
    expect(assigned[3]!.rungs).toEqual([
      { trials: 5, steps: 1 },
      { trials: 1, steps: 3 },
      { trials: 1, steps: 9 },
    ]);
  });

  it('have every trial once, and rungs that shrink', () => {
    const options = fc.record({
      min: fc.integer({ min: 1, max: 50 }),
      factor: fc.integer({ min: 1, max: 300 }),
      eta: fc.integer({ min: 2, max: 5 }),
    });
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 400 }), ({ min, factor, eta }, numTrials) => {
        const assigned = assignBrackets(hyperband({ min, max: min * factor, eta }), numTrials);
        expect(assigned.flatMap(({ trials }) => trials)).toEqual(
          Array.from({ length: numTrials }, (_, i) => i),
        );
        for (const { rungs, trials } of assigned) {
          expect(rungs[0]!.trials).toBe(trials.length);
          expect(rungs.at(-1)!.steps).toBe(min * factor);
          for (const [i, rung] of rungs.slice(1).entries()) {
            expect(rung.trials).toBeLessThanOrEqual(rungs[i]!.trials);
            expect(rung.steps).toBeGreaterThan(rungs[i]!.steps);
          }
        }
      }),
    );
  });
});

describe('survivors', () => {
  const rung = [
    { number: 4, result: { status: 'complete', values: [2] } },
    { number: 1, result: { status: 'complete', values: [Number.NaN] } },
    { number: 2, result: { status: 'complete', values: [2] } },
    { number: 3, result: { status: 'failed', values: [] } },
    { number: 0, result: { status: 'pruned', values: [1] } },
    { number: 5, result: { status: 'complete', values: [Number.POSITIVE_INFINITY] } },
  ] as const;

  it('are the best; ties go to the lower number, NaN and failed trials never go on', () => {
    expect(survivors(minimize('loss'), rung, 2)).toEqual([0, 2]);
    expect(survivors(minimize('loss'), rung, 3)).toEqual([0, 2, 4]);
    expect(survivors(minimize('loss'), rung, 9)).toEqual([0, 2, 4, 5]);
    expect(survivors(maximize('score'), rung, 2)).toEqual([2, 5]);
  });

  it('do not depend on the order of arrival', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...rung], { minLength: rung.length }), (arrived) => {
        expect(survivors(minimize('loss'), arrived, 2)).toEqual([0, 2]);
      }),
    );
  });
});

describe('isBelowMedian', () => {
  const curve = (generation: number, ...values: number[]) => ({
    generation,
    evaluations: values.map((value, i) => ({ step: 10 * (i + 1), value })),
  });
  const others = [1, 2, 3, 4, 5].map((value) => curve(0, value, value - 1));
  const loss = minimize('loss');

  it('compares the best value so far with the median at the step', () => {
    expect(isBelowMedian(loss, curve(1, 3), { step: 10, others })).toBe(false);
    expect(isBelowMedian(loss, curve(1, 3.1), { step: 10, others })).toBe(true);
    expect(isBelowMedian(loss, curve(1, 2, 9), { step: 20, others })).toBe(false);
    expect(isBelowMedian(loss, curve(1, 2.5, 2.1), { step: 20, others })).toBe(true);
    expect(isBelowMedian(maximize('score'), curve(1, 3.1), { step: 10, others })).toBe(false);
    expect(isBelowMedian(maximize('score'), curve(1, 2.9), { step: 10, others })).toBe(true);
    expect(isBelowMedian(loss, curve(1, Number.NaN), { step: 10, others })).toBe(true);
  });

  it('passes over trials of the same generation and waits for enough', () => {
    const same = [...others.slice(0, 4), curve(1, 1)];
    expect(isBelowMedian(loss, curve(1, 9), { step: 10, others: same })).toBe(false);
    expect(isBelowMedian(loss, curve(1, 9), { step: 10, others: same, minTrials: 4 })).toBe(true);
    expect(isBelowMedian(loss, curve(1, 9), { step: 10, others, minSteps: 11 })).toBe(false);
  });
});
