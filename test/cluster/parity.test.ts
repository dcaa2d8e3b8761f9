/** One fingerprint, whoever computes and whenever messages arrive. */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { beforeAll, expect, it } from 'vitest';
import { type Cluster, fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

const limitSamples = 950;
let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

it.each([
  { workers: 1, threads: 1 },
  { workers: 2, threads: 2 },
  { workers: 3, threads: 1 },
  // Ten threads for eight shards: two have none.
  { workers: 5, threads: 2 },
])('$workers workers of $threads threads give the bits of one process', async ({ workers, threads }) => {
  const cluster = await startCluster({ experiment, workers, threads });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits).toEqual(Array(workers).fill({ code: 0, signal: null }));
});

it('so do workers whose messages are late at random', async () => {
  const faults = (worker: number) => ({ delays: { seed: worker, maxDelayMs: 3 } });
  const cluster = await startCluster({ experiment, workers: 3, faults });
  expect(fingerprintOf(await cluster.end())).toBe(expected);
});

it('batch norm over four workers leaves the bits of one worker', async () => {
  const runningStatistics = async (cluster: Cluster) => {
    fingerprintOf(await cluster.end());
    const { tensors } = (await loadCheckpoint(checkpointFolder(cluster.folder)))!;
    return Object.entries(tensors).filter(([name]) => name.startsWith('state/'));
  };
  const one = await runningStatistics(await startCluster({ experiment, workers: 1 }));
  const four = await runningStatistics(await startCluster({ experiment, workers: 4 }));
  expect(one.map(([name]) => name)).toEqual(['state/1/mean', 'state/1/variance']);
  expect(four).toEqual(one);
});

it('another seed gives another result', async () => {
  const other = await loadExperiment('cnn', { limitSamples, seed: 2 });
  const cluster = await startCluster({ experiment: other, workers: 2 });
  const fingerprint = fingerprintOf(await cluster.end());
  expect(fingerprint).not.toBe(expected);
  expect(fingerprint).toBe((await trainInOneProcess(other)).fingerprint);
});

it('sums in the order of arrival would be noticed', async () => {
  const faults = (worker: number) => ({ sumsAsTheyCome: true, delays: { seed: worker, maxDelayMs: 3 } });
  const cluster = await startCluster({ experiment, workers: 3, faults });
  const { outcome } = await cluster.end();
  // The workers differ from each other: each has its own partial results first.
  expect(outcome).toMatchObject({ reason: 'failed', error: { code: 'internal' } });
  expect(outcome).toHaveProperty('error.message', expect.stringContaining('breaks the numeric profile'));

  // Who is alone in a wrong order, here that of its eight threads, differs from the one that adds along the tree.
  const alone = await startCluster({ experiment, workers: 1, threads: 8, faults });
  expect(fingerprintOf(await alone.end())).not.toBe(expected);
});

it('real digits', async () => {
  const digits = await loadExperiment('mnist', { limitSamples: 750 });
  const { fingerprint, metrics } = await trainInOneProcess(digits);
  const cluster = await startCluster({ experiment: digits, workers: 2 });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(fingerprint);
  expect(end.outcome).toHaveProperty('result.metrics', metrics);
});
