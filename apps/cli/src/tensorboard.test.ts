import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventFileOf, existingEventFile } from './tensorboard.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-tensorboard-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const config = {
  ...{ seed: 1, numShards: 8, batchSize: 32, epochs: null, steps: 10, limitSamples: null },
  ...{ fingerprintEvery: 50, checkpointEvery: 200 },
  params: { rate: 0.1, optimizer: 'adam' },
};

it('parameters and settings are hyperparameters, and metrics have a tag for each split', () => {
  const { path, session } = eventFileOf({ folder, name: 'digits', config, metrics: ['accuracy'] });
  expect(path).toBe(join(folder, 'events.out.tfevents.lockstep'));
  expect(session.hyperparameters).toEqual({
    ...{ rate: 0.1, optimizer: 'adam', seed: 1, numShards: 8, batchSize: 32, steps: 10 },
    ...{ fingerprintEvery: 50, checkpointEvery: 200 },
  });
  expect(session.metrics).toEqual([
    ...['train/loss', 'train/accuracy', 'validation/loss', 'validation/accuracy'],
    ...['test/loss', 'test/accuracy'],
  ]);
});

it('runs that differ in their seed alone are of one group', () => {
  const groupOf = (change: object): string =>
    eventFileOf({ folder, name: 'digits', config: { ...config, ...change } }).session.group;
  expect(groupOf({ seed: 2 })).toBe(groupOf({}));
  expect(groupOf({ params: { rate: 0.2, optimizer: 'adam' } })).not.toBe(groupOf({}));
  expect(groupOf({ batchSize: 64 })).not.toBe(groupOf({}));
});

it('a resumed run has an event file if it had one before', () => {
  const described = { folder, name: 'digits', config };
  expect(existingEventFile(described)).toBeUndefined();
  writeFileSync(eventFileOf(described).path, '');
  expect(existingEventFile(described)).toEqual(eventFileOf(described));
});
