/** Every experiment trains, and its bits do not depend on how its shards are divided. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ShardRange } from '@lockstep/collectives';
import { offeredProfiles } from '@lockstep/kernels';
import { type Experiment, isExperiment, resolveConfig, trainLocally } from '@lockstep/training';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../experiments/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
const STEPS = 2;
/** The faster one. */
const profile = offeredProfiles()[0]!;
const TIMEOUT_MS = 60_000;

async function load(file: string): Promise<Experiment | undefined> {
  const { default: experiment } = (await import(fileURLToPath(new URL(file, folder)))) as {
    default?: unknown;
  };
  return isExperiment(experiment) ? experiment : undefined;
}

/** One run of all shards; two uneven ones, as of two workers with a different number of threads. */
const divisions = (numShards: number): ShardRange[][] => [
  [{ start: 0, count: numShards }],
  [
    { start: 0, count: numShards - 1 },
    { start: numShards - 1, count: 1 },
  ],
];

describe('experiments', () => {
  for (const file of files) {
    it(
      `${file} trains`,
      async ({ skip }) => {
        const experiment = await load(file);
        if (experiment === undefined) return skip(`${file} is no experiment but a module of one`);
        const { data, batch } = experiment;
        if (data.name === 'fashion-mnist' && !existsSync('/usr/share/datasets/fashion-mnist'))
          skip('Fashion-MNIST is not installed: apt-get install dataset-fashion-mnist');
        // A row a shard: enough for the bits, and quick.
        const size = batch.shards ?? 8;
        const config = { ...resolveConfig(experiment, { steps: STEPS }), batchSize: size };
        const dataset = await data.load({ limitSamples: STEPS * size });
        const splits = { train: dataset.splits.train };
        const [whole, parted] = divisions(config.numShards).map((ranges) =>
          trainLocally({ experiment, dataset: { ...dataset, splits }, config, ranges, profile }),
        );
        expect(parted!.fingerprint).toBe(whole!.fingerprint);
        for (const { loss } of whole!.history) expect(Number.isFinite(loss)).toBe(true);
        expect(whole!.history).toHaveLength(STEPS);
      },
      TIMEOUT_MS,
    );
  }
});
