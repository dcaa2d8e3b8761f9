/** A thread of its own loads batches ahead, across evaluations. */
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

let pictures: LoadedExperiment;
let expected: Awaited<ReturnType<typeof trainInOneProcess>>;
beforeAll(async () => {
  pictures = await loadExperiment('pictures', { epochs: 4 });
  expected = await trainInOneProcess(pictures);
});

it('two workers of two threads read the batches of one process', async () => {
  const cluster = await startCluster({ experiment: pictures, workers: 2, threads: 2 });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected.fingerprint);
  expect(end.outcome).toHaveProperty('result.metrics', expected.metrics);
});
