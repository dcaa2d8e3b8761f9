import { describe, expect, it } from 'vitest';
import { type Keep, surplusSteps } from './retention.ts';

/** The checkpoints that are left of a run that saves one step after the other. */
function* keptAfterEach(saved: Iterable<number>, keep: Keep): Generator<readonly number[]> {
  let kept: readonly number[] = [];
  for (const step of saved) {
    const steps = [...kept, step];
    const surplus = surplusSteps(steps, keep);
    kept = steps.filter((one) => !surplus.includes(one));
    yield kept;
  }
}

const multiples = (every: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => every * (i + 1));

/** The longest way from one state that is there to the next; the seed gives state 0. */
const longestGap = (steps: readonly number[]): number =>
  Math.max(...steps.map((step, i) => step - (steps[i - 1] ?? 0)));

/** All of them in `npm run test:thorough`. */
const numSaves = process.env.LOCKSTEP_THOROUGH === '1' ? 4_000 : 400;

describe('surplusSteps', () => {
  it.each([4, 5, 6, 10, 25])(
    'keeps %i checkpoints that never leave a gap of twice the even one, whatever the length',
    (keep) => {
      const every = 20;
      let numSaved = 0;
      for (const kept of keptAfterEach(multiples(every, numSaves), keep)) {
        numSaved++;
        expect(kept).toHaveLength(Math.min(keep, numSaved));
        expect(kept.slice(-3)).toEqual(multiples(every, numSaved).slice(-3));
        expect(kept[0]).toBe(every);
        // From the oldest to the third newest checkpoint.
        const even = Math.max(every, (every * (numSaved - 3)) / (keep - 3));
        expect(longestGap(kept), `after ${numSaved}: ${kept.join(' ')}`).toBeLessThanOrEqual(2 * even);
      }
    },
  );

  it('spreads checkpoints that came at uneven steps', () => {
    const saved = [...multiples(100, 60), 6_003, 6_004, ...multiples(100, 120).slice(61)];
    const kept = [...keptAfterEach(saved, 10)].at(-1)!;
    expect(kept.slice(-3)).toEqual([11_800, 11_900, 12_000]);
    expect(longestGap(kept)).toBeLessThan((2 * 11_700) / 7);
  });

  it('names those with the smallest gap first, of equal ones the oldest', () => {
    expect(surplusSteps([10, 20, 30, 40, 50, 60, 70], 6)).toEqual([20]);
    // Gaps without 30, 35, 60: 25, 30, 45. Then without 35, 60: 50, 45.
    expect(surplusSteps([10, 30, 35, 60, 80, 90, 100], 5)).toEqual([30, 60]);
    // Gaps without 30, 55, 60: 45, 30, 25. Then without 30, 55: 45, 50.
    expect(surplusSteps([10, 30, 55, 60, 80, 90, 100], 5)).toEqual([60, 30]);
  });

  it.each([
    [1, [70]],
    [2, [60, 70]],
    [3, [50, 60, 70]],
    [4, [10, 50, 60, 70]],
    ['all', [10, 20, 30, 40, 50, 60, 70]],
  ] as const)('keeps the newest alone where there is room for no more: %s', (keep, expected) => {
    const steps = [10, 20, 30, 40, 50, 60, 70];
    const surplus = surplusSteps(steps, keep);
    expect(steps.filter((step) => !surplus.includes(step))).toEqual(expected);
  });

  it('ends the same if it was cut short and is applied again', () => {
    const steps = multiples(7, 40);
    const surplus = surplusSteps(steps, 10);
    for (let numRemoved = 0; numRemoved <= surplus.length; numRemoved++) {
      const left = steps.filter((step) => !surplus.slice(0, numRemoved).includes(step));
      expect(surplusSteps(left, 10)).toEqual(surplus.slice(numRemoved));
    }
  });

  it.each([0, -1, 2.5, Number.NaN])('refuses to keep %s', (keep) => {
    expect(() => surplusSteps([1], keep)).toThrow("keep must be a whole number of at least 1, or 'all'");
  });
});
