/** Gradients are exchanged bucket by bucket while the backward pass runs. */
import { compilePrograms } from '@lockstep/training';
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

let wide: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  wide = await loadExperiment('wide', { epochs: 2 });
  expected = (await trainInOneProcess(wide)).fingerprint;
});

it('the plan has several buckets, and the first is complete before the segment ends', async () => {
  const dataset = await wide.experiment.data.load();
  const { exchanges, segments } = compilePrograms(wide.experiment, dataset, wide.config, 1).shard(2);
  const [first, last] = exchanges[0]!;
  expect(first!.readyAfter).toBeLessThan(segments[0]!.length);
  expect(last!.readyAfter).toBe(segments[0]!.length);
});

it('two of three workers that lose the third between two buckets give the bits of one process', async () => {
  const faults = (worker: number) => (worker === 2 ? { dieAtFrame: 16 } : undefined);
  const cluster = await startCluster({ experiment: wide, workers: 3, faults });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits[2]).toEqual({ code: null, signal: 'SIGKILL' });
});
