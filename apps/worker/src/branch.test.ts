/** Workers that go on from a checkpoint of a run with other settings. */
import { where } from '@lockstep/autodiff';
import { decodeSafetensors } from '@lockstep/checkpoint';
import { type GradientTransformation, sgd } from '@lockstep/optim';
import type { RunConfig } from '@lockstep/run';
import type { Experiment } from '@lockstep/training';
import { expect, it } from 'vitest';
import { startCluster } from './fixtures/cluster.ts';
import { createDisk, type Disk } from './fixtures/coordinator.ts';
import { small } from './fixtures/experiments.ts';

const momentum = 0.9;
const withOptimizer = (optimizer: GradientTransformation): Experiment => ({ ...small, optimizer });
const parent = withOptimizer(sgd(0.1, { momentum }));
const slower = withOptimizer(sgd(0.02, { momentum }));
const changing = (step: number): Experiment =>
  withOptimizer(sgd((done) => where(done.less(step), 0.1, 0.02), { momentum }));

const overrides = { fingerprintEvery: 2 };

/** Trains to the end. Returns the step there and the disk. */
async function train(experiment: Experiment, workers: number, config: Partial<RunConfig>, disk?: Disk) {
  const cluster = startCluster({ experiment, overrides, workers, config, ...(disk && { disk }) });
  const { outcome } = await cluster.end();
  if (outcome.reason !== 'finished') throw new Error(JSON.stringify(outcome));
  return { step: outcome.step, disk: cluster.disk };
}

/** The disk of a branch: the checkpoint of a step, without the journal of the run. */
function branchedFrom({ checkpoints }: Disk, step: number): Disk {
  const disk = createDisk();
  disk.checkpoints.set(step, checkpoints.get(step)!);
  disk.journal.push({ type: 'checkpoint', step });
  return disk;
}

function stateAt({ checkpoints }: Disk, step: number) {
  const { header, file } = checkpoints.get(step)!;
  return { progress: header.progress, tensors: decodeSafetensors(file).tensors };
}

it.each([
  { workers: 1, step: 5 },
  { workers: 2, step: 5 },
  // The end of an epoch.
  { workers: 2, step: 6 },
])(
  '$workers workers that branch at step $step give the bits of a run whose rate changes there',
  async (one) => {
    const { workers, step } = one;
    const before = await train(parent, 1, { until: step });
    expect(before.step).toBe(step);
    const branch = await train(slower, workers, {}, branchedFrom(before.disk, step));
    const expected = await train(changing(step), 1, {});
    expect(branch.step).toBe(12);
    expect(stateAt(branch.disk, 12)).toEqual(stateAt(expected.disk, 12));
  },
);

it('a run that ends before its length goes on as if it had not', async () => {
  const whole = await train(small, 1, {});
  const begun = await train(small, 2, { until: 5 });
  const { step, disk } = await train(small, 2, {}, branchedFrom(begun.disk, 5));
  expect(step).toBe(12);
  expect(stateAt(disk, 12)).toEqual(stateAt(whole.disk, 12));
});

it('epochs of other batches begin where the branch does', async () => {
  const { disk } = await train(parent, 1, { until: 6 });
  const epochsFrom = { step: 6, epoch: 2 };
  const smaller = { batchSize: 6, epochsFrom };
  const one = await train(parent, 1, smaller, branchedFrom(disk, 6));
  const two = await train(parent, 2, smaller, branchedFrom(disk, 6));
  // Two epochs of three steps, then two of six.
  expect([one.step, two.step]).toEqual([18, 18]);
  expect(stateAt(two.disk, 18)).toEqual(stateAt(one.disk, 18));
});
