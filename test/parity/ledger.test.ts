/** The run log accounts for every shard and every byte. */
import { defaultChunkRules, expectedBytes } from '@lockstep/collectives';
import { createSchedule } from '@lockstep/run';
import { compilePrograms } from '@lockstep/training';
import { expect, it } from 'vitest';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment } from '../cluster/harness/experiment.ts';
import { readGenerations, readWork, shardsByStep } from '../cluster/harness/run-log.ts';

it('every shard is computed once a step, and every rank moves the bytes of the formula', async () => {
  const experiment = await loadExperiment('cnn', { limitSamples: 950 });
  const { numShards } = experiment.config;
  const cluster = await startCluster({ experiment, workers: 3, threads: 2 });
  fingerprintOf(await cluster.end());
  const generations = await readGenerations(cluster.folder);
  const work = await readWork(cluster.folder);
  expect(generations).toHaveLength(1);
  const [{ members }] = generations as [(typeof generations)[0]];

  const { totalSteps, buckets } = await stepOf(experiment);
  const once = Array.from({ length: numShards }, (_, shard) => shard);
  const steps = Array.from({ length: totalSteps }, (_, i) => i + 1);
  expect(shardsByStep(generations, work)).toEqual(new Map(steps.map((step) => [step, once])));

  const ranges = members.map(({ shards }) => shards);
  const expected = members.map(({ rank }) => {
    const bytes = buckets.map(({ op, size }) => expectedBytes(op, size, rank, ranges, defaultChunkRules));
    return {
      sentBytes: bytes.reduce((sum, { sent }) => sum + sent, 0),
      receivedBytes: bytes.reduce((sum, { received }) => sum + received, 0),
    };
  });
  expect(work).toHaveLength(totalSteps * members.length);
  for (const entry of work) expect(entry).toMatchObject(expected[entry.rank]!);
});

/** All exchanges of a training step of an experiment. */
async function stepOf({ experiment, config }: LoadedExperiment) {
  const dataset = await experiment.data.load({ limitSamples: config.limitSamples ?? undefined });
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, true);
  const programs = compilePrograms(experiment, dataset, config, totalSteps);
  return { totalSteps, buckets: programs.shard(1).exchanges.flat() };
}
