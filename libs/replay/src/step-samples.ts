/** Which samples a step trained on: a function of the seed, the step and the number of samples. */
import { LockstepError } from '@lockstep/errors';
import { type SamplingConfig, type Schedule, trainingSamples } from '@lockstep/run';
import type { RecordedRun } from './recorded-run.ts';

/** What decides the samples of a step. */
export interface Sampling extends SamplingConfig {
  /** Samples of the training split. */
  readonly numSamples: number;
}

export const samplingOf = (run: Pick<RecordedRun, 'config' | 'dataset'>): Sampling => {
  const { seed, numShards, batchSize, epochsFrom } = run.config;
  return {
    ...{ seed, numShards, batchSize, numSamples: run.dataset.splits.train.size },
    ...(epochsFrom && { epochsFrom }),
  };
};

/** The samples of step `step` (from 1) by their indices in the training split, in the order of the shards. */
export function samplesAt(sampling: Sampling, step: number): Int32Array {
  const shards = trainingSamples(sampling, sampling.numSamples, step);
  return Int32Array.from(
    shards.flatMap(({ indices, weights }) => [...indices.filter((_, row) => weights[row]! > 0)]),
  );
}

/** The epoch of a step. Both count from 1. */
export const epochAt = ({ epochsAfter }: Pick<Schedule, 'epochsAfter'>, step: number): number =>
  Math.floor(epochsAfter(step - 1)) + 1;

/** The place of a sample in a step. Throws `config`, with the step of the same epoch that has it, if it is in another one. */
export function placeOf(sampling: Sampling, step: number, sample: number): number {
  const indices = samplesAt(sampling, step);
  const place = indices.indexOf(sample);
  if (place >= 0) return place;
  const { numSamples, batchSize, epochsFrom } = sampling;
  const stepsPerEpoch = Math.ceil(numSamples / batchSize);
  const first = step - ((step - 1 - (epochsFrom?.step ?? 0)) % stepsPerEpoch);
  const steps = Array.from({ length: stepsPerEpoch }, (_, i) => first + i);
  const other = steps.find((one) => samplesAt(sampling, one).includes(sample));
  const remedy =
    other === undefined
      ? `the training data have the samples 0 to ${numSamples - 1}`
      : `it is in step ${other} of the same epoch`;
  throw new LockstepError(
    'config',
    `sample ${sample} is not among the ${indices.length} of step ${step}, which begin with ${[...indices.slice(0, 5)].join(', ')}; ${remedy}`,
    { sample, step, ...(other !== undefined && { other }) },
  );
}
