/** The code of docs/from-torchrun.md runs, and its statements about workers, samples and rates are true. */
import { stepSamples, stepsPerEpoch } from '@lockstep/data';
import { type Experiment, resolveConfig, trainLocally } from '@lockstep/training';
import * as lockstep from 'lockstep';
import { describe, expect, it } from 'vitest';
import { blocksOf, execute, importsOf, readText } from './documentation.ts';

const page = readText('../../docs/from-torchrun.md');
const [script, rates, ...others] = blocksOf(page, 'ts') as [string, string, ...string[]];
const experiment = execute(script, lockstep) as Experiment;
const dataset = await experiment.data.load();

/** Shards of equal workers, as contiguous ranges. */
const workers = (count: number, numShards: number) =>
  Array.from({ length: count }, (_, i) => ({ start: (i * numShards) / count, count: numShards / count }));

const train = (count: number, seed = 1) => {
  const config = resolveConfig(experiment, { seed });
  return trainLocally({ experiment, dataset, config, ranges: workers(count, config.numShards) });
};

describe('docs/from-torchrun.md', () => {
  it('imports what is published, and has no other code', () => {
    const imported = [script, rates].flatMap(importsOf);
    expect(imported.filter((name) => !(name in lockstep))).toEqual([]);
    expect(others).toEqual([]);
    expect(blocksOf(page, 'python')).toEqual([]);
  });

  it('trains its experiment to the same bytes and losses on 1, 2, 4 and 8 workers', () => {
    const one = train(1);
    expect(one.steps).toBe(12);
    for (const count of [2, 4, 8]) {
      const many = train(count);
      expect(many.fingerprint, `${count} workers`).toBe(one.fingerprint);
      expect(many.history).toEqual(one.history);
    }
    expect(train(2, 7).fingerprint).toBe(train(1, 7).fingerprint);
    expect(train(1, 7).fingerprint).not.toBe(one.fingerprint);
  });

  it('visits each sample once an epoch, and ends it with a shorter batch', () => {
    const [numSamples, batchSize, numShards] = [100, 32, 8];
    const steps = stepsPerEpoch(numSamples, batchSize);
    const batches = Array.from({ length: steps }, (_, step) =>
      stepSamples({ seed: 1, step, numSamples, batchSize, numShards }).shards.flatMap(
        ({ indices, weights }) => [...indices].filter((_index, row) => weights[row] === 1),
      ),
    );
    expect(batches.map((batch) => batch.length)).toEqual([32, 32, 32, 4]);
    expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('shows the rates that it says', () => {
    expect.assertions(rates.match(/\/\/ → /g)!.length);
    execute(rates, lockstep);
  });
});
