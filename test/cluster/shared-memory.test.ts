/** Workers of one host exchange through memory: the same bits as over the network, and nothing left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { sharedMemory } from '@lockstep/transport';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, committed, fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { readGenerations } from './harness/run-log.ts';

const off = { LOCKSTEP_SHARED_MEMORY: 'off' };

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

/** How many workers' memory each worker sees, its own included. */
async function neighbours({ workers, next }: Cluster): Promise<number[]> {
  await next(committed(3));
  return workers.map(({ pid }) => {
    const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
    return new Set(
      maps.filter((line) => line.includes('/memfd:lockstep')).map((line) => line.split(/\s+/)[4]),
    ).size;
  });
}

describe.skipIf(!sharedMemory().available)('three workers', () => {
  it('exchange through memory', async () => {
    const cluster = await startCluster({ experiment, workers: 3 });
    expect(await neighbours(cluster)).toEqual([3, 3, 3]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it('need not', async () => {
    const cluster = await startCluster({ experiment, workers: 3, env: () => off });
    expect(await neighbours(cluster)).toEqual([0, 0, 0]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it('do so where both can', async () => {
    const env = (worker: number) => (worker === 1 ? off : {});
    const cluster = await startCluster({ experiment, workers: 3, env });
    expect(await neighbours(cluster)).toEqual([2, 0, 2]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it('leave nothing when they are killed, and the others go on in new memory', async () => {
    const before = readdirSync('/dev/shm');
    const cluster = await startCluster({ experiment, workers: 3 });
    expect(await neighbours(cluster)).toEqual([3, 3, 3]);
    cluster.workers[0]!.kill('SIGKILL');
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected);
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
    expect(readdirSync('/dev/shm').filter((name) => !before.includes(name))).toEqual([]);
  });
});
