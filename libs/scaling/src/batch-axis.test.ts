/** Steps to a target against the batch size, on curves whose answers are known. */
import { describe, expect, it } from 'vitest';
import { type BatchRun, batchRows, fitSteps } from './batch-axis.ts';
import { criticalBatch } from './critical-batch.ts';
import { noisePoints } from './noise-points.ts';
import { parseTarget, stepsToTarget } from './target.ts';

describe('targets', () => {
  it('are a metric and a number', () => {
    expect(parseTarget('validation/loss=0.08')).toEqual({ metric: 'validation/loss', value: 0.08 });
    for (const text of ['validation/loss', '=1', 'loss=', 'loss=low'])
      expect(() => parseTarget(text)).toThrow('--target must be METRIC=NUMBER');
  });

  it('are crossed between two evaluations', () => {
    const evaluations = [
      { step: 10, value: 4 },
      { step: 20, value: 2 },
      { step: 30, value: 3 },
      { step: 40, value: 1 },
    ];
    expect(stepsToTarget(evaluations, 2.5, 'minimize')).toBe(17.5);
    expect(stepsToTarget(evaluations, 2, 'minimize')).toBe(20);
    expect(stepsToTarget(evaluations, 5, 'minimize')).toBe(10);
    expect(stepsToTarget(evaluations, 0.5, 'minimize')).toBeUndefined();
    expect(stepsToTarget(evaluations, 4, 'maximize')).toBe(10);
    expect(stepsToTarget([{ step: 10, value: Number.NaN }, ...evaluations.slice(3)], 2, 'minimize')).toBe(40);
  });
});

/** Runs that reach 0 after the given steps. */
const runs = (steps: Readonly<Record<number, readonly (number | undefined)[]>>): BatchRun[] =>
  Object.entries(steps).flatMap(([batchSize, ofSeeds]) =>
    ofSeeds.map((step, seed) => ({
      ...{ batchSize: Number(batchSize), seed },
      evaluations: step === undefined ? [{ step: 1, value: 1 }] : [{ step, value: -seed }],
    })),
  );

describe('batchRows', () => {
  it('names the regions of the curve', () => {
    const rows = batchRows(
      runs({ 64: [800], 128: [420], 256: [240], 512: [160], 1024: [155] }),
      0,
      'minimize',
    );
    expect(rows.map(({ region }) => region)).toEqual([
      'perfect',
      'perfect',
      'perfect',
      'diminishing',
      'saturated',
    ]);
    expect(rows.map(({ efficiency }) => efficiency!.toFixed(3))).toEqual([
      '1.000',
      '0.952',
      '0.833',
      '0.625',
      '0.323',
    ]);
    expect(rows[2]).toMatchObject({ stepsToTarget: 240, samplesToTarget: 240 * 256 });
  });

  it('needs the target of all seeds', () => {
    const [small, large] = batchRows(runs({ 8: [10, 20], 16: [undefined, 4] }), 0, 'minimize');
    expect(small).toMatchObject({ numSeeds: 2, numReached: 2, stepsToTarget: 15, final: { mean: -0.5 } });
    expect(small!.final.spread).toBeCloseTo(Math.SQRT1_2, 12);
    expect(large).toMatchObject({ numReached: 1 });
    expect(large).not.toHaveProperty('stepsToTarget');
  });

  it('compares with the smallest batch that reaches the target', () => {
    const rows = batchRows(runs({ 8: [undefined], 16: [10], 32: [5] }), 0, 'minimize');
    expect(rows.map(({ efficiency }) => efficiency)).toEqual([undefined, 1, 1]);
  });
});

describe('fitSteps', () => {
  const steps = (least: number, critical: number) => (batch: number) => [least * (1 + critical / batch)];
  it('finds the parameters of a curve of its form', () => {
    const of = steps(120, 400);
    const fit = fitSteps(batchRows(runs({ 64: of(64), 256: of(256), 1024: of(1024) }), 0, 'minimize'))!;
    expect(fit.leastSteps).toBeCloseTo(120, 6);
    expect(fit.criticalBatch).toBeCloseTo(400, 6);
  });

  it('is not made of two sizes, nor of steps that a larger batch saves more than perfectly', () => {
    expect(fitSteps(batchRows(runs({ 64: [10], 128: [6] }), 0, 'minimize'))).toBeUndefined();
    expect(fitSteps(batchRows(runs({ 64: [100], 128: [40], 256: [10] }), 0, 'minimize'))).toBeUndefined();
  });
});

it('the critical batch is the largest before the first that is worse', () => {
  const parent = { batchSize: 64, value: 1 };
  const branches = [512, 128, 256].map((batchSize) => ({
    batchSize,
    value: { 128: 1.009, 256: 1.03, 512: 0.9 }[batchSize]!,
  }));
  expect(criticalBatch(parent, branches, { tolerance: 0.01, direction: 'minimize' })).toBe(128);
  expect(criticalBatch(parent, branches, { tolerance: 0.05, direction: 'minimize' })).toBe(512);
  expect(criticalBatch(parent, branches, { tolerance: 0.001, direction: 'minimize' })).toBe(64);
  expect(criticalBatch(parent, branches, { tolerance: 0.01, direction: 'maximize' })).toBe(256);
  const broken = [{ batchSize: 128, value: Number.NaN }];
  expect(criticalBatch(parent, broken, { tolerance: 9, direction: 'minimize' })).toBe(64);
});

it('noise points are means over seeds of medians near a step, with standard errors', () => {
  const estimates = (scale: number) =>
    Array.from({ length: 100 }, (_, i) => ({ step: i + 1, noiseScale: scale * (i + 1) }));
  const jump = estimates(2).map((one) =>
    one.step === 50 ? { ...one, noiseScale: Number.POSITIVE_INFINITY } : one,
  );
  const series = [
    { seed: 1, estimates: estimates(4) },
    { seed: 2, estimates: jump },
  ];
  const [half, end] = noisePoints(series, [0.5, 1], 500);
  expect(half).toMatchObject({ at: 0.5, step: 50, numSeeds: 2, isLowerBound: false });
  // The window has 48 to 52; the jump is the largest of the second seed, whose median is that of 49 and 51 with 51 in the middle.
  expect(half!.noiseScale).toBe((4 * 50 + 2 * 51) / 2);
  expect(half!.error).toBeCloseTo((4 * 50 - 2 * 51) / 2, 12);
  // The window has 98, 99 and 100.
  expect(end!.noiseScale).toBeCloseTo((99 * (4 + 2)) / 2, 12);
  expect(noisePoints(series, [1], 250)).toEqual([
    { at: 1, step: 100, noiseScale: 250, error: null, isLowerBound: true, numSeeds: 2 },
  ]);
  const unknown = Array.from({ length: 9 }, (_, i) => ({ step: i, noiseScale: Number.POSITIVE_INFINITY }));
  expect(noisePoints([series[0]!, { seed: 3, estimates: unknown }], [0.02], 500)[0]).toMatchObject({
    isLowerBound: true,
  });
  expect(noisePoints([{ seed: 1, estimates: [{ step: 1, noiseScale: Number.NaN }] }], [0.5], 9)).toEqual([]);
  expect(noisePoints([series[0]!], [1], 500)[0]!.error).toBeNull();
});
