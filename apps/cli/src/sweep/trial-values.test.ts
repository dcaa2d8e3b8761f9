import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maximize, minimize } from '@lockstep/search';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resultOf, valueAtPause, valuesOfLogs } from './trial-values.ts';

const loss = minimize('validation/loss');
const parameters = minimize('cost/parameters');
const costs = { 'cost/parameters': 7 };

describe('the values of a run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-values-'));
    await mkdir(join(folder, 'logs'));
    const evaluation = (step: number, value: number | string) =>
      JSON.stringify({ kind: 'evaluation', step, final: false, metrics: { 'validation/loss': value } });
    const lines = [
      evaluation(2, 3),
      JSON.stringify({ kind: 'step', step: 3 }),
      evaluation(4, 1),
      evaluation(6, 2),
    ];
    await writeFile(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are those of its last or best evaluation, and its costs', async () => {
    const values = await valuesOfLogs([loss, parameters], costs, folder);
    expect([...values]).toEqual([
      ['validation/loss', 2],
      ['cost/parameters', 7],
    ]);
    const best = await valuesOfLogs([minimize('validation/loss', { over: 'best' })], {}, folder);
    expect(best.get('validation/loss')).toBe(1);
  });

  it('name what there is where a metric is not', async () => {
    await expect(valuesOfLogs([maximize('validation/accuracy')], costs, folder)).rejects.toThrow(
      "the runs have no metric 'validation/accuracy'; their evaluations have cost/parameters, validation/loss",
    );
  });
});

it('the values at a pause are those of its evaluation', () => {
  const result = { metrics: { 'validation/loss': 0.5 } };
  expect([loss, parameters].map((one) => valueAtPause(one, costs, result))).toEqual([0.5, 7]);
  expect(() => valueAtPause(minimize('test/loss'), {}, result)).toThrow("no metric 'test/loss'");
});

it('a value that is not finite is the failure of a trial', () => {
  expect(resultOf([loss, parameters], () => 1, 9)).toEqual({ values: [1, 1], steps: 9 });
  expect(resultOf([loss], () => Number.NaN, 9)).toEqual({ reason: 'validation/loss is NaN' });
});
