/** The example network on real digits, over several epochs: one fingerprint for every number of workers and threads. */
import { beforeAll, expect, it } from 'vitest';
import { committed, fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

const minutes = 60_000;
const file = new URL('../../experiments/mnist-cnn.ts', import.meta.url);

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  // Four batches of 256 an epoch, the last with 232 samples.
  experiment = await loadExperiment(file, { limitSamples: 1000, epochs: 3 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
}, 5 * minutes);

const matrix = [1, 2, 3, 5].flatMap((workers) => [1, 2].map((threads) => ({ workers, threads })));

it.each(matrix)(
  '$workers workers of $threads threads',
  { timeout: 5 * minutes },
  async ({ workers, threads }) => {
    const cluster = await startCluster({ experiment, workers, threads });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  },
);

it.each([2, 3, 5])(
  '%i workers whose messages are late at random',
  { timeout: 5 * minutes },
  async (workers) => {
    const faults = (worker: number) => ({ delays: { seed: worker, maxDelayMs: 20 } });
    const cluster = await startCluster({ experiment, workers, faults });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  },
);

it.each([
  { before: 3, after: 1, step: 2 },
  { before: 1, after: 5, step: 5 },
  { before: 2, after: 3, step: 6 },
])(
  '$before workers until step $step, then $after',
  { timeout: 5 * minutes },
  async ({ before, after, step }) => {
    const first = await startCluster({ experiment, workers: before });
    await first.next(committed(step));
    first.interrupt();
    expect((await first.end()).outcome).toMatchObject({ reason: 'interrupted' });
    const second = await startCluster({ experiment, workers: after, resume: first.folder });
    expect(fingerprintOf(await second.end())).toBe(expected);
  },
);

it('another batch, which eight does not divide', { timeout: 5 * minutes }, async () => {
  const shortened = { ...experiment, config: { ...experiment.config, batchSize: 300 } };
  const { fingerprint } = await trainInOneProcess(shortened);
  for (const workers of [2, 3]) {
    const cluster = await startCluster({ experiment: shortened, workers });
    expect(fingerprintOf(await cluster.end())).toBe(fingerprint);
  }
});

it('these tests notice sums in the order of arrival', { timeout: 5 * minutes }, async () => {
  const faults = (worker: number) => ({ sumsAsTheyCome: true, delays: { seed: worker, maxDelayMs: 3 } });
  const cluster = await startCluster({ experiment, workers: 3, faults });
  const { outcome } = await cluster.end();
  // The workers differ from each other, because each starts with its own partial results.
  expect(outcome).toMatchObject({ reason: 'failed', error: { code: 'internal' } });
  expect(outcome).toHaveProperty('error.message', expect.stringContaining('breaks the numeric profile'));

  // A single worker that adds in the order of its eight threads differs from one that adds along the tree.
  const alone = await startCluster({ experiment, workers: 1, threads: 8, faults });
  expect(fingerprintOf(await alone.end())).not.toBe(expected);
});
