/** Advice, and plots of characters. */
import { describe, expect, it } from 'vitest';
import type { BatchRow } from './batch-axis.ts';
import { logLogPlot } from './plot.ts';
import { recommend } from './recommendation.ts';

const row = (batchSize: number, stepsToTarget: number | undefined, efficiency = 1): BatchRow => ({
  ...{
    batchSize,
    numSeeds: 1,
    numReached: stepsToTarget === undefined ? 0 : 1,
    final: { mean: 1, spread: null },
  },
  ...(stepsToTarget !== undefined && {
    stepsToTarget,
    samplesToTarget: batchSize * stepsToTarget,
    efficiency,
  }),
});
const choices = (batchSize: number, speedUps: Readonly<Record<number, number>>, samplesPerSecond = 100) =>
  Object.entries(speedUps).map(([workers, speedUp]) => ({
    ...{ batchSize, workers: Number(workers), speedUp, samplesPerSecond: samplesPerSecond * speedUp },
  }));

describe('recommend', () => {
  it('takes the batch that is soonest, on workers that pay for themselves', () => {
    const rows = [row(64, 800), row(256, 220, 0.91), row(1024, 150, 0.33)];
    const workers = [64, 256, 1024].flatMap((size) => choices(size, { 1: 1, 2: 1.8, 4: 2.1 }));
    // The larger batches need more samples, and bring no more samples per second.
    expect(recommend(rows, workers, 'loss 0.1')).toMatchObject({
      batchSize: 64,
      workers: 2,
      seconds: 51200 / 180,
    });
    const faster = [...choices(64, { 1: 1, 2: 1.1 }), ...choices(256, { 1: 1, 2: 1.9 })];
    expect(recommend(rows.slice(0, 2), faster, 'loss 0.1').sentence).toBe(
      'Use a batch of 256 on 2 workers: it reaches loss 0.1 in 220 steps, at 91% of perfect scaling from 64, and 2 workers are 1.90 times as fast as one.',
    );
  });

  it('names what is wrong with the others', () => {
    const advice = recommend([row(64, 800), row(128, undefined)], choices(64, { 1: 1, 2: 1.2 }), 'loss 0.1');
    expect(advice.sentence).toBe(
      'Use a batch of 64 on 1 worker: it reaches loss 0.1 with the fewest samples of the sizes that were tried; 128 did not reach it in all seeds, and one worker suffices: 2 would be 1.20 times as fast as one.',
    );
  });

  it('says so where no batch reaches the target', () => {
    const advice = recommend([row(64, undefined), row(128, undefined)], [], 'loss 0.1');
    expect(advice).toEqual({
      ...{ batchSize: 64, workers: 1 },
      sentence:
        'Use a batch of 64 on 1 worker: no batch size reached loss 0.1 in all seeds, so this is the smallest.',
    });
  });
});

describe('logLogPlot', () => {
  it('draws powers as straight lines, and earlier series over later ones', () => {
    const line = [1, 10, 100, 1000].map((x) => ({ x, y: 1000 / x }));
    const plot = logLogPlot(
      [
        { mark: '●', points: [line[1]!, { x: 5, y: 0 }] },
        { mark: '·', points: line },
      ],
      { columns: 7, rows: 4 },
    );
    expect(plot).toEqual([
      '1000 │·',
      '     │  ●',
      '     │    ·',
      '   1 │      ·',
      '     └───────',
      '      1  1000',
    ]);
  });

  it('draws a single point, and nothing', () => {
    expect(logLogPlot([{ mark: '●', points: [{ x: 64, y: 3 }] }], { columns: 3, rows: 1 })).toEqual([
      '3 │ ●',
      '  └───',
      '   64 64',
    ]);
    expect(logLogPlot([], { columns: 3, rows: 1 })).toEqual([]);
  });
});
