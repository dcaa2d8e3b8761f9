/** How much the exchanges of a run carry. */
import type { Dataset } from '@lockstep/data';
import type { Programs, RunConfig } from '@lockstep/run';
import { maxHeldBytes } from './held-bytes.ts';

export interface ExchangeSizes {
  /** Elements of every bucket, by exchange of a training step. */
  readonly buckets: readonly (readonly number[])[];
  /** Bytes of the largest exchange of a training step. */
  readonly largestBytes: number;
  /** Bytes of the largest evaluation's sums. */
  readonly evaluationBytes: number;
  /** A bound on held frames that no correct peer exceeds. */
  readonly maxHeldBytes: number;
  /** Elements of the sums of an evaluation over so many samples. */
  evaluationSize(numSamples: number): number;
}

export function exchangeSizes(
  programs: Programs,
  { splits }: Pick<Dataset, 'splits'>,
  { batchSize, numShards }: Pick<RunConfig, 'batchSize' | 'numShards'>,
): ExchangeSizes {
  const evaluationSize = (numSamples: number): number =>
    Math.ceil(numSamples / batchSize) * (programs.evaluationMetrics.length + 1);
  const buckets = programs.shard(1).exchanges.map((planned) => planned.map(({ size }) => size));
  const bytes = buckets.map((sizes) => 4 * sizes.reduce((sum, size) => sum + size, 0));
  const evaluationBytes = 4 * evaluationSize(largestEvaluation(splits));
  return {
    buckets,
    largestBytes: Math.max(...bytes),
    evaluationBytes,
    maxHeldBytes: maxHeldBytes([...bytes, evaluationBytes], numShards),
    evaluationSize,
  };
}

/** Samples of the largest split that is evaluated. */
export const largestEvaluation = ({ validation, test }: Dataset['splits']): number =>
  Math.max(validation?.size ?? 0, test?.size ?? 0);
