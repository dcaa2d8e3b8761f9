/** The samples of a training step by a run's settings. */
import { type ShardSamples, stepSamples } from '@lockstep/data';
import type { RunConfig } from './config.ts';

/** The settings that decide which samples a step trains on. */
export type SamplingConfig = Pick<RunConfig, 'seed' | 'batchSize' | 'numShards' | 'epochsFrom'>;

/** The samples of step `step`, from 1, by shard. `numSamples`: of the training split. */
export function trainingSamples(
  { seed, batchSize, numShards, epochsFrom }: SamplingConfig,
  numSamples: number,
  step: number,
): readonly ShardSamples[] {
  return stepSamples({ seed, step: step - 1, numSamples, batchSize, numShards, epochsFrom }).shards;
}
