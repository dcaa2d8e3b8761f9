/** The fingerprint depends neither on the division of the work nor on the order in which messages arrive. */
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

it('two workers of two threads give the bits of one process', async () => {
  const cluster = await startCluster({ experiment, workers: 2, threads: 2 });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits).toEqual(Array(2).fill({ code: 0, signal: null }));
});
