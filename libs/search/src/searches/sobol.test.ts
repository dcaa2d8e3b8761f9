import { foldIn, keyFromSeed } from '@lockstep/rng';
import { describe, expect, it } from 'vitest';
import reference from '../fixtures/sobol.json' with { type: 'json' };
import {
  createStudy,
  integer,
  latinHypercube,
  minimize,
  type Search,
  type Space,
  sobol,
  type Trial,
  uniform,
} from '../index.ts';
import { maxSobolDimensions, scrambled, sobolAxis, sobolPoint } from './sobol-sequence.ts';

const axes = Array.from({ length: maxSobolDimensions }, (_, i) => sobolAxis(i));

describe('the sequence', () => {
  it(`is that of ${reference.source} in 64 dimensions`, () => {
    expect(axes).toHaveLength(64);
    for (const [index, row] of reference.first.entries()) {
      expect(axes.map((axis) => 256 * sobolPoint(axis, index))).toEqual(row);
    }
    for (const [i, row] of reference.late.points.entries()) {
      expect(axes.map((axis) => sobolPoint(axis, reference.late.index + i))).toEqual(row);
    }
  });

  it('keeps its balance when it is scrambled', () => {
    const key = keyFromSeed(3);
    const first = axes.slice(0, 8).map((axis, i) => scrambled(axis, foldIn(key, i)));
    const points = Array.from({ length: 256 }, (_, index) => first.map((axis) => sobolPoint(axis, index)));
    for (let dimension = 0; dimension < 8; dimension++) {
      const slices = points.map((point) => Math.floor(256 * point[dimension]!)).sort((a, b) => a - b);
      expect(slices).toEqual(Array.from({ length: 256 }, (_, i) => i));
    }
    // The first two dimensions are a (0, 2)-sequence: every box of area 1/256 has one point.
    for (const [a, b] of [
      [2, 128],
      [4, 64],
      [16, 16],
      [128, 2],
    ] as const) {
      const boxes = new Set(points.map(([x, y]) => `${Math.floor(a * x!)} ${Math.floor(b * y!)}`));
      expect(boxes.size).toBe(256);
    }
    expect(points[0]).not.toEqual(axes.slice(0, 8).map((axis) => sobolPoint(axis, 0)));
  });

  it('another key scrambles it otherwise, and the mean over keys is even', () => {
    const means = [0, 1, 7].map((index) => {
      const values = Array.from({ length: 500 }, (_, seed) =>
        sobolPoint(scrambled(axes[2]!, keyFromSeed(seed)), index),
      );
      expect(new Set(values).size).toBe(500);
      return values.reduce((sum, x) => sum + x, 0) / 500;
    });
    // Five standard errors of a uniform variable.
    for (const mean of means) expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 500));
  });
});

const trialsOf = (search: Search, space: Space, numTrials: number, seed = 1) => {
  const study = createStudy({ space, search, seed, objectives: [minimize('loss')], numTrials });
  return Array.from({ length: numTrials }, () => (study.ask() as Trial).params);
};

describe('the search', () => {
  it('takes the dimensions in the order of names', () => {
    const trials = trialsOf(sobol({ scramble: false }), { b: uniform(0, 256), a: integer(0, 255) }, 256);
    expect(trials.map(({ a, b }) => [a, b])).toEqual(reference.first.map((row) => row.slice(0, 2)));
  });

  it('another seed scrambles it otherwise', () => {
    const space = { a: uniform(0, 1), b: uniform(0, 1) };
    expect(trialsOf(sobol(), space, 4)).toEqual(trialsOf(sobol(), space, 4));
    expect(trialsOf(sobol(), space, 4)).not.toEqual(trialsOf(sobol(), space, 4, 2));
  });

  it('refuses more parameters than it has dimensions', () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`p${i}`, uniform(0, 1)]));
    expect(() => trialsOf(sobol(), many, 1)).toThrow(
      'the space has 65 parameters, and the sequence 64 dimensions',
    );
  });
});

describe('latinHypercube', () => {
  it('has one trial in every slice of every parameter, again after each round', () => {
    const trials = trialsOf(latinHypercube({ points: 20 }), { a: uniform(0, 20), b: integer(1, 20) }, 40);
    const rounds = [trials.slice(0, 20), trials.slice(20)];
    const everySlice = Array.from({ length: 20 }, (_, i) => i);
    for (const round of rounds) {
      expect(round.map(({ a }) => Math.floor(a as number)).sort((a, b) => a - b)).toEqual(everySlice);
      expect(round.map(({ b }) => (b as number) - 1).sort((a, b) => a - b)).toEqual(everySlice);
    }
    expect(rounds[0]!.map(({ b }) => b)).not.toEqual(rounds[1]!.map(({ b }) => b));
  });

  it('does not move when trials or parameters are added', () => {
    const search = latinHypercube({ points: 8 });
    const before = trialsOf(search, { a: uniform(0, 1) }, 12);
    const after = trialsOf(search, { a: uniform(0, 1), A: uniform(0, 1) }, 20).map(({ a }) => ({ a }));
    expect(after.slice(0, 12)).toEqual(before);
  });

  it('needs a number of points', () => {
    expect(() => latinHypercube({} as never)).toThrow('latinHypercube: points is missing');
  });
});
