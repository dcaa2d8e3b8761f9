/** Workers of one host exchange through shared memory, with one thread and with two, and beside a worker that does not. */
import { sharedMemory } from '@lockstep/lanes';
import { beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { direct, lanes, noSharedMemory } from '../cluster/harness/lanes.ts';

const logLevel = 'info';

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

it('a single worker exchanges without its main thread', async () => {
  const cluster = await startCluster({
    experiment,
    workers: 1,
    threads: 2,
    logLevel,
    env: () => noSharedMemory,
  });
  expect(fingerprintOf(await cluster.end())).toBe(expected);
  expect(direct(cluster)).toEqual([[1]]);
});

describe.skipIf(!sharedMemory().available)('three workers', () => {
  it('exchange through memory, from compute thread to compute thread', async () => {
    const cluster = await startCluster({ experiment, workers: 3, threads: 2, logLevel });
    expect(await lanes(cluster)).toEqual([6, 6, 6]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    expect(direct(cluster)).toEqual([[1], [1], [1]]);
  });

  it('of one thread exchange through memory', async () => {
    const cluster = await startCluster({ experiment, workers: 3, logLevel });
    expect(await lanes(cluster)).toEqual([6, 6, 6]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    expect(direct(cluster)).toEqual([[1], [1], [1]]);
  });

  it('exchange through memory where both can', async () => {
    const env = (worker: number) => (worker === 1 ? noSharedMemory : {});
    const cluster = await startCluster({ experiment, workers: 3, env, logLevel });
    expect(await lanes(cluster)).toEqual([4, 0, 4]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    // If one worker does not share memory, the main threads of all workers exchange.
    expect(direct(cluster)).toEqual([[], [], []]);
  });

  it('exchange over sockets if shared memory is off', async () => {
    const cluster = await startCluster({ experiment, workers: 3, env: () => noSharedMemory, logLevel });
    expect(await lanes(cluster)).toEqual([0, 0, 0]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    expect(direct(cluster)).toEqual([[], [], []]);
  });
});
