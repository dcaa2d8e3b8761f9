import { describe, expect, it } from 'vitest';
import { maximize, meanAndSpread, minimize, objectiveValue } from './index.ts';

const evaluations = [
  { step: 10, value: 3 },
  { step: 20, value: 1 },
  { step: 30, value: Number.NaN },
  { step: 40, value: 2 },
];

describe('objectiveValue', () => {
  it('takes the last evaluation unless the best is asked for', () => {
    expect(objectiveValue(minimize('loss'), evaluations)).toBe(2);
    expect(objectiveValue(minimize('loss', { over: 'best' }), evaluations)).toBe(1);
    expect(objectiveValue(maximize('loss', { over: 'best' }), evaluations)).toBe(3);
  });

  it('takes evaluations up to a step', () => {
    expect(objectiveValue(minimize('loss'), evaluations, 20)).toBe(1);
    expect(objectiveValue(minimize('loss'), evaluations, 30)).toBeNaN();
    expect(objectiveValue(minimize('loss', { over: 'best' }), evaluations, 10)).toBe(3);
    expect(objectiveValue(minimize('loss', { over: 'best' }), evaluations, 5)).toBeNaN();
  });

  it('refuses other words', () => {
    expect(() => minimize('loss', { over: 'bets' } as never)).toThrow("did you mean 'best'");
    expect(() => maximize(3 as never)).toThrow('maximize: metric is 3; it must be a string');
  });
});

describe('meanAndSpread', () => {
  it('has the sample deviation', () => {
    expect(meanAndSpread([1, 2, 3, 4])).toEqual({ mean: 2.5, spread: Math.sqrt(5 / 3) });
    expect(meanAndSpread([5])).toEqual({ mean: 5, spread: null });
    expect(meanAndSpread([5, Number.NaN])).toEqual({ mean: Number.NaN, spread: Number.NaN });
    expect(() => meanAndSpread([])).toThrow('needs at least one value');
  });
});
