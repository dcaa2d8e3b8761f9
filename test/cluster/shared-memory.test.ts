/** Workers of one host exchange through shared memory, also after one is killed, and free it. */
import { readdirSync } from 'node:fs';
import { sharedMemory } from '@lockstep/lanes';
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { direct, lanes } from './harness/lanes.ts';
import { readGenerations } from './harness/run-log.ts';

const logLevel = 'info';

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

it.skipIf(!sharedMemory().available)(
  'three workers leave no memory behind when one is killed, and the others continue in new memory',
  async () => {
    const before = readdirSync('/dev/shm');
    const cluster = await startCluster({ experiment, workers: 3, logLevel });
    expect(await lanes(cluster)).toEqual([6, 6, 6]);
    cluster.workers[0]!.kill('SIGKILL');
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected);
    // No worker still waits for the killed one.
    expect(direct(cluster).slice(1)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
    expect(readdirSync('/dev/shm').filter((name) => !before.includes(name))).toEqual([]);
  },
);
