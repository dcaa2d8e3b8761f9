import { describe, expect, it } from 'vitest';
import { thin } from './curve.ts';
import { bandOf, smoothed } from './smooth.ts';

const many = Array.from({ length: 4_000 }, (_, i) => i);

describe('smoothed', () => {
  it('changes nothing without a window', () => {
    const line = { steps: [1, 2, 3], values: [5, 1, 9] };
    expect(smoothed(line, 0)).toEqual(line);
  });

  it('follows a constant at once and averages noise', () => {
    const noise = many.map((i) => 3 + (i % 2 === 0 ? 1 : -1));
    const { values } = smoothed({ steps: many, values: noise }, 100);
    expect(Math.max(...values.slice(200).map((value) => Math.abs(value - 3)))).toBeLessThan(0.02);
    expect(
      smoothed({ steps: many, values: many.map(() => 7) }, 50).values.every((value) => value === 7),
    ).toBe(true);
  });

  it('leaves out what is not finite', () => {
    expect(smoothed({ steps: [1, 2, 3], values: [1, Number.NaN, 1] }, 10)).toEqual({
      steps: [1, 3],
      values: [1, 1],
    });
  });

  it('smooths a thinned curve nearly as the whole one', () => {
    const values = many.map((i) => 1_000 / (i + 200) + ((i * 7_919) % 13) / 13);
    const whole = smoothed({ steps: many, values }, 200);
    const thinned = smoothed(thin({ steps: many, values }, 16).means, 200);
    for (const [i, step] of thinned.steps.entries()) {
      if (step < 400) continue;
      expect(Math.abs(thinned.values[i]! - whole.values[Math.round(step)]!)).toBeLessThan(0.05);
    }
  });
});

describe('bandOf', () => {
  it('is the mean and range over runs', () => {
    const band = bandOf([
      { steps: [1, 2, 3], values: [1, 2, 3] },
      { steps: [1, 2], values: [3, 6] },
      { steps: [2], values: [Number.NaN] },
    ]);
    expect(band).toEqual({ steps: [1, 2], mean: [2, 4], least: [1, 2], greatest: [3, 6] });
  });

  it('is the curve itself of a single run', () => {
    expect(bandOf([{ steps: [4, 5], values: [1, 2] }])).toEqual({
      ...{ steps: [4, 5], mean: [1, 2], least: [1, 2], greatest: [1, 2] },
    });
  });
});
