/** Workers of one host exchange through memory: the same bits as over the network, and nothing left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { sharedMemory } from '@lockstep/lanes';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, committed, fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { readGenerations } from './harness/run-log.ts';

const logLevel = 'info';
const off = { LOCKSTEP_SHARED_MEMORY: 'off' };

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

/** How many lanes each worker sees, its own included: of main threads and of compute threads. */
async function lanes({ workers, next }: Cluster): Promise<number[]> {
  await next(committed(3));
  return workers.map(({ pid }) => {
    const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
    return new Set(
      maps.filter((line) => line.includes('/memfd:lockstep')).map((line) => line.split(/\s+/)[4]),
    ).size;
  });
}

/** The generations in which each worker has exchanged steps directly. */
const direct = ({ workers }: Cluster): number[][] =>
  workers.map((worker) =>
    worker
      .log()
      .split('\n')
      .filter((line) => line.includes('steps are exchanged directly'))
      .map((line) => (JSON.parse(line) as { readonly generation: number }).generation),
  );

it('one worker alone needs its main thread for no exchange', async () => {
  const cluster = await startCluster({ experiment, workers: 1, threads: 2, logLevel, env: () => off });
  expect(fingerprintOf(await cluster.end())).toBe(expected);
  expect(direct(cluster)).toEqual([[1]]);
});

describe.skipIf(!sharedMemory().available)('three workers', () => {
  it.each([1, 2])(
    'exchange through memory, from compute thread to compute thread, on %i of them each',
    async (threads) => {
      const cluster = await startCluster({ experiment, workers: 3, threads, logLevel });
      expect(await lanes(cluster)).toEqual([6, 6, 6]);
      expect(fingerprintOf(await cluster.end())).toBe(expected);
      expect(direct(cluster)).toEqual([[1], [1], [1]]);
    },
  );

  it('need not', async () => {
    const cluster = await startCluster({ experiment, workers: 3, env: () => off, logLevel });
    expect(await lanes(cluster)).toEqual([0, 0, 0]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    expect(direct(cluster)).toEqual([[], [], []]);
  });

  it('do so where both can', async () => {
    const env = (worker: number) => (worker === 1 ? off : {});
    const cluster = await startCluster({ experiment, workers: 3, env, logLevel });
    expect(await lanes(cluster)).toEqual([4, 0, 4]);
    expect(fingerprintOf(await cluster.end())).toBe(expected);
    // All of them or none: the main threads do it where one worker is elsewhere.
    expect(direct(cluster)).toEqual([[], [], []]);
  });

  it('leave nothing when they are killed, and the others go on in new memory', async () => {
    const before = readdirSync('/dev/shm');
    const cluster = await startCluster({ experiment, workers: 3, logLevel });
    expect(await lanes(cluster)).toEqual([6, 6, 6]);
    cluster.workers[0]!.kill('SIGKILL');
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected);
    // Whoever waited for the one that was killed stopped waiting.
    expect(direct(cluster).slice(1)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
    expect(readdirSync('/dev/shm').filter((name) => !before.includes(name))).toEqual([]);
  });
});
