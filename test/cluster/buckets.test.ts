/** Gradients that leave bucket by bucket, while the backward pass runs. */
import { compilePrograms } from '@lockstep/training';
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

let wide: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  wide = await loadExperiment('wide', { epochs: 2 });
  expected = (await trainInOneProcess(wide)).fingerprint;
});

it('are several, and the first stands before the segment ends', async () => {
  const dataset = await wide.experiment.data.load();
  const { exchanges, segments } = compilePrograms(wide.experiment, dataset, wide.config, 1).shard(2);
  const [first, last] = exchanges[0]!;
  expect(first!.readyAfter).toBeLessThan(segments[0]!.length);
  expect(last!.readyAfter).toBe(segments[0]!.length);
});

it.each([
  { workers: 1, threads: 2 },
  { workers: 2, threads: 2 },
  { workers: 3, threads: 1 },
])('$workers workers of $threads threads give the bits of one process', async ({ workers, threads }) => {
  const cluster = await startCluster({ experiment: wide, workers, threads });
  expect(fingerprintOf(await cluster.end())).toBe(expected);
});

it('so do workers whose messages are late at random', async () => {
  const faults = (worker: number) => ({ delays: { seed: worker, maxDelayMs: 3 } });
  const cluster = await startCluster({ experiment: wide, workers: 3, faults });
  expect(fingerprintOf(await cluster.end())).toBe(expected);
});

it.each([7, 16, 33])('so do two of three that lose the third at its frame %i', async (dieAtFrame) => {
  const faults = (worker: number) => (worker === 2 ? { dieAtFrame } : undefined);
  const cluster = await startCluster({ experiment: wide, workers: 3, faults });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits[2]).toEqual({ code: null, signal: 'SIGKILL' });
});
