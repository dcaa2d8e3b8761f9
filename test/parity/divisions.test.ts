/** The small experiments with more numbers of workers and threads than in the short tests. */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import type { LocalResult } from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { readGenerations } from '../cluster/harness/run-log.ts';

const limitSamples = 950;

describe.each([
  {
    name: 'cnn',
    overrides: { limitSamples },
    // Ten threads for eight shards: two have none.
    divisions: [
      [1, 1],
      [3, 1],
      [5, 2],
    ],
    lostAtFrame: [85],
  },
  {
    name: 'wide',
    overrides: { epochs: 2 },
    divisions: [
      [1, 2],
      [2, 2],
      [3, 1],
    ],
    lostAtFrame: [7, 33],
  },
  {
    name: 'pictures',
    overrides: { epochs: 4 },
    divisions: [[1, 1]],
    lostAtFrame: [4, 9, 20],
  },
])('$name', ({ name, overrides, divisions, lostAtFrame }) => {
  let experiment: LoadedExperiment;
  let expected: LocalResult;
  beforeAll(async () => {
    experiment = await loadExperiment(name, overrides);
    expected = await trainInOneProcess(experiment);
  });

  it.each(divisions)('%i workers of %i threads give the bits of one process', async (workers, threads) => {
    const cluster = await startCluster({ experiment, workers: workers!, threads: threads! });
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected.fingerprint);
    expect(end.outcome).toHaveProperty('result.metrics', expected.metrics);
    expect(end.exits).toEqual(Array(workers).fill({ code: 0, signal: null }));
  });

  it.each(lostAtFrame)('so do two of three that lose the third at its frame %i', async (dieAtFrame) => {
    const faults = (worker: number) => (worker === 2 ? { dieAtFrame } : undefined);
    const cluster = await startCluster({ experiment, workers: 3, faults });
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected.fingerprint);
    expect(end.outcome).toHaveProperty('result.metrics', expected.metrics);
    expect(end.exits[2]).toEqual({ code: null, signal: 'SIGKILL' });
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
  });

  it('so do workers whose messages are late at random', async () => {
    const faults = (worker: number) => ({ delays: { seed: worker, maxDelayMs: 3 } });
    const cluster = await startCluster({ experiment, workers: 3, faults });
    expect(fingerprintOf(await cluster.end())).toBe(expected.fingerprint);
  });
});

it('batch norm over four workers leaves the bits of one worker', async () => {
  const experiment = await loadExperiment('cnn', { limitSamples });
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
  const { fingerprint: expected } = await trainInOneProcess(await loadExperiment('cnn', { limitSamples }));
  const other = await loadExperiment('cnn', { limitSamples, seed: 2 });
  const cluster = await startCluster({ experiment: other, workers: 2 });
  const fingerprint = fingerprintOf(await cluster.end());
  expect(fingerprint).not.toBe(expected);
  expect(fingerprint).toBe((await trainInOneProcess(other)).fingerprint);
});

it('real digits', async () => {
  const digits = await loadExperiment('mnist', { limitSamples: 750 });
  const { fingerprint, metrics } = await trainInOneProcess(digits);
  const cluster = await startCluster({ experiment: digits, workers: 2 });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(fingerprint);
  expect(end.outcome).toHaveProperty('result.metrics', metrics);
});
