import type { RunRecord } from '@lockstep/records';
import { describe, expect, it } from 'vitest';
import { findSpikes, spikesOf } from './spike.ts';

const count = (length: number): number[] => Array.from({ length }, (_, i) => i + 1);
/** A noisy falling curve: 1/√k plus noise of a few percent. */
const falling = (length: number): number[] =>
  count(length).map((k) => 1 / Math.sqrt(k) + 0.02 * Math.sin(k * 12.9898));
const replaced = (values: readonly number[], at: Readonly<Record<number, number>>): number[] =>
  values.map((value, i) => at[i + 1] ?? value);

describe('findSpikes', () => {
  it('finds nothing in a curve that falls, not even at its beginning', () => {
    expect(findSpikes(count(500), falling(500))).toEqual([]);
  });

  it('gives the distance from the median in median deviations', () => {
    const values = count(40).map((k) => (k % 2 === 0 ? 1 : 3));
    expect(findSpikes(count(41), [...values, 12])).toEqual([{ step: 41, value: 12, median: 2, score: 10 }]);
  });

  it('finds planted spikes alone, one after the other too', () => {
    const found = findSpikes(count(400), replaced(falling(400), { 100: 0.9, 101: 0.8, 300: 0.6 }));
    expect(found.map(({ step }) => step)).toEqual([100, 101, 300]);
    expect(findSpikes(count(400), replaced(falling(400), { 200: 0 }))).toEqual([]);
  });

  it('counts a value that is not finite as a spike, and does not compare with it', () => {
    const found = findSpikes(
      count(60),
      replaced(falling(60), { 1: Number.NaN, 40: Number.POSITIVE_INFINITY }),
    );
    expect(found).toEqual([
      { step: 1, value: Number.NaN, median: Number.NaN, score: Number.POSITIVE_INFINITY },
      {
        step: 40,
        value: Number.POSITIVE_INFINITY,
        median: expect.any(Number),
        score: Number.POSITIVE_INFINITY,
      },
    ]);
    expect(found[1]!.median).toBeLessThan(0.4);
  });

  it('waits for ten values, and does not see rounding errors of a constant curve', () => {
    expect(findSpikes(count(10), replaced(new Array<number>(10).fill(1), { 10: 100 }))).toEqual([]);
    expect(findSpikes(count(11), replaced(new Array<number>(11).fill(1), { 11: 100 }))).toHaveLength(1);
    expect(findSpikes(count(30), replaced(new Array<number>(30).fill(1), { 30: 1.05 }))).toEqual([]);
  });
});

describe('spikesOf', () => {
  const record = {
    folder: 'runs/it',
    curves: {
      loss: { kind: 'step', steps: count(60), values: replaced(falling(60), { 50: 5 }) },
      accuracy: {
        kind: 'step',
        steps: count(60),
        values: falling(60).map((v, i) => (i === 29 ? 0.1 : 1 - v)),
      },
    },
  } as unknown as RunRecord;

  it('takes the loss by default, and looks downwards where more is better', () => {
    expect(spikesOf(record).map(({ step }) => step)).toEqual([50]);
    expect(spikesOf(record, 'accuracy')).toEqual([
      { step: 30, value: 0.1, median: expect.any(Number), score: expect.any(Number) },
    ]);
    expect(spikesOf(record, 'accuracy')[0]!.median).toBeGreaterThan(0.5);
  });

  it('suggests names for a metric that the run lacks', () => {
    expect(() => spikesOf(record, 'los')).toThrow("runs/it has no metric 'los'; did you mean loss?");
    expect(() => spikesOf({ ...record, curves: {} }, 'loss')).toThrow('it has no metrics yet');
  });
});
