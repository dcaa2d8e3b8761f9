/** Batches that another thread loads ahead, over evaluations and changes of members. */
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

let pictures: LoadedExperiment;
let expected: Awaited<ReturnType<typeof trainInOneProcess>>;
beforeAll(async () => {
  pictures = await loadExperiment('pictures', { epochs: 4 });
  expected = await trainInOneProcess(pictures);
});

it.each([
  { workers: 1, threads: 1 },
  { workers: 2, threads: 2 },
])('$workers workers of $threads threads read the batches of one process', async ({ workers, threads }) => {
  const cluster = await startCluster({ experiment: pictures, workers, threads });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected.fingerprint);
  expect(end.outcome).toHaveProperty('result.metrics', expected.metrics);
});

it.each([4, 9, 20])('so do two of three that lose the third at its frame %i', async (dieAtFrame) => {
  const faults = (worker: number) => (worker === 2 ? { dieAtFrame } : undefined);
  const cluster = await startCluster({ experiment: pictures, workers: 3, faults });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected.fingerprint);
  expect(end.exits[2]).toEqual({ code: null, signal: 'SIGKILL' });
});
