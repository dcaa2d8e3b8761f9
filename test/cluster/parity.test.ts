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

it('these tests notice sums in the order of arrival', async () => {
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
