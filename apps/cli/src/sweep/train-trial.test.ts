/** A run of a sweep on a pool that only writes its logs. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool, PooledRunOptions } from '@lockstep/coordinator';
import { fromArrays } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { dense, meanSquaredError, sequential } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { param } from '@lockstep/params';
import { minimize, random, uniform } from '@lockstep/search';
import { defineSweep, type SweepRun } from '@lockstep/sweep';
import { logPath } from '@lockstep/tracking';
import { defineExperiment } from '@lockstep/training';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Training, trainTrial } from './train-trial.ts';

const rows = [
  [1, 0],
  [0, 1],
];
const exported = defineExperiment({ params: { rate: param.number(0.1) } }, ({ rate }) => ({
  data: fromArrays({ x: rows, y: rows }),
  model: sequential(dense(2)),
  loss: meanSquaredError(),
  optimizer: sgd(rate),
  batch: { size: 2, shards: 2 },
  steps: 3,
}));
const sweep = defineSweep({
  ...{ experiment: './x.ts', space: { rate: uniform(0, 1) }, search: random(), trials: 2 },
  objective: minimize('validation/loss'),
});
const run: SweepRun = { trial: 0, repeat: 0, seed: 1, params: { rate: 0.5 } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-trial-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Ends runs in order after one evaluation. `isFull`: the disk has taken no more of the metrics after it. */
function poolOf(isFull: boolean): Pool {
  const train = async ({ run: opened }: PooledRunOptions) => {
    opened.appendMetrics({ kind: 'evaluation', step: 2, final: false, metrics: { 'validation/loss': 2 } });
    const path = logPath(opened.folder, 'metrics');
    const error = new LockstepError('file', `${path} cannot be written`);
    if (isFull) opened.gaps = () => [{ path, numLost: 1, steps: [3, 3], error }];
    const outcome = { reason: 'finished', step: 3, fingerprint: 'f', result: {} };
    return {
      done: Promise.resolve(outcome),
      onUpdate: () => () => undefined,
      ...{ numWorkers: () => 1, numNonFinite: () => 0, interrupt: () => undefined, fail: () => undefined },
      close: () => opened.close(),
    };
  };
  return { train } as unknown as Pool;
}

const trainingOn = (pool: Pool, names: string[]): Training => ({
  ...{ folder, sweep, profile: 'portable', pool },
  experiment: {
    ...{ path: '/x.ts', hash: '0', bundle: new Uint8Array(0), exported },
    project: { root: folder, cache: folder },
  },
  costs: { costsOf: async () => ({}), refusal: () => undefined },
  onBegun: (_, name) => names.push(name),
  onStop: () => () => undefined,
  onStep: () => undefined,
});

it('takes the value of a run from its logs', async () => {
  const names: string[] = [];
  const end = await trainTrial(run, trainingOn(poolOf(false), names));
  expect(end).toEqual({ type: 'ended', result: { values: [2], steps: 3 } });
  expect(existsSync(join(folder, 'runs', names[0]!))).toBe(true);
});

it('takes none from logs that have lost something on a full disk, and removes the run', async () => {
  const names: string[] = [];
  await expect(trainTrial(run, trainingOn(poolOf(true), names))).rejects.toThrow('cannot be written');
  expect(existsSync(join(folder, 'runs', names[0]!))).toBe(false);
});
