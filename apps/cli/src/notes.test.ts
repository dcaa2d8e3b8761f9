import { createDataset } from '@lockstep/data';
import { describe, expect, it } from 'vitest';
import { notesOf } from './notes.ts';

/** A configuration without notes. */
const optimizer = {
  init: () => ({}),
  update: () => {
    throw new Error('it wants other parameters');
  },
};

const config = {
  ...{ seed: 1, numShards: 4, batchSize: 12, epochs: 2, steps: null, limitSamples: null },
  ...{ fingerprintEvery: 50, checkpointEvery: 200 },
};

function dataset(numSamples: number) {
  const field = { name: 'x', shape: [], dtype: 'float32' as const, storage: new Float32Array(numSamples) };
  return createDataset({ name: 'd', splits: { train: { size: numSamples, fields: { x: field } } } });
}

const notes = (changes: Partial<typeof config> | object, numSamples = 24, told = {}) =>
  notesOf({ optimizer }, dataset(numSamples), { ...config, ...changes }, told);

describe('notes at the start of a run', () => {
  it('do not appear for an ordinary run', () => {
    expect(notes({})).toEqual([]);
    expect(notes({ steps: 3, epochs: null })).toEqual([]);
    expect(notes({ limitSamples: 24 })).toEqual([]);
    expect(notes({ numShards: 1, batchSize: 1 })).toEqual([]);
    expect(notes({ numShards: 8, batchSize: 255 }, 1000)).toEqual([]);
  });

  it.each<readonly [object, number, RegExp]>([
    [
      {},
      10,
      /^a batch of 12 is larger than the training data of 10 samples: an epoch is one step, which has 2 rows of padding$/,
    ],
    [{ numShards: 12, batchSize: 12 }, 24, /^a batch of 12 in 12 shards has one row in a shard/],
    // 2 rows a shard: the last two of eight shards have none of the 12 samples.
    [
      { numShards: 8 },
      24,
      /^a batch of 12 in 8 shards of 2 rows: 2 shards have more rows of padding than samples/,
    ],
    [{ numShards: 8, batchSize: 3 }, 24, /^a batch of 3 in 8 shards of 1 row: 5 shards have more/],
    [{ steps: 3 }, 24, /3 steps end the run, before its epochs do \(2 epochs are 4 steps\)/],
    [{ steps: 9 }, 24, /the epochs end the run \(2 epochs are 4 steps\), not the 9 steps/],
    [{ limitSamples: 100 }, 24, /the limit of 100 samples has no effect: the training data have 24/],
  ])('%j with %i samples: %s', (changes, numSamples, expected) => {
    expect(notes(changes, numSamples)).toEqual([expect.stringMatching(expected)]);
  });

  it('mention that the first checkpoint comes at the end, if --checkpoint-every was given', () => {
    expect(notes({ checkpointEvery: 5 }, 24, { checkpointEvery: 5 })).toEqual([
      'the first checkpoint is the last: one is written every 5 steps, and the run has 4; a run that is killed before starts again from the seed',
    ]);
    expect(notes({ checkpointEvery: 4 }, 24, { checkpointEvery: 4 })).toEqual([]);
  });
});
