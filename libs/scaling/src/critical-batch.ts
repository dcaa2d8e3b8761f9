/**
 * The critical batch size as it is measured: from one state, branches train the same samples in larger batches (Merrill et al., 2025).
 */
import type { Direction } from '@lockstep/search';

/** A run after the same samples. */
export interface BranchValue {
  readonly batchSize: number;
  readonly value: number;
}

/**
 * The largest batch size up to which every branch is as good as the run from which it branches, within `tolerance`, a part of that run's
 * value. The batch size of that run if no branch is.
 */
export function criticalBatch(
  parent: BranchValue,
  branches: readonly BranchValue[],
  { tolerance, direction }: { readonly tolerance: number; readonly direction: Direction },
): number {
  const sign = direction === 'minimize' ? 1 : -1;
  const limit = parent.value + sign * tolerance * Math.abs(parent.value);
  const larger = branches
    .filter(({ batchSize }) => batchSize > parent.batchSize)
    .sort((a, b) => a.batchSize - b.batchSize);
  const worse = larger.findIndex(({ value }) => !(sign * value <= sign * limit));
  const good = worse === -1 ? larger : larger.slice(0, worse);
  return good.at(-1)?.batchSize ?? parent.batchSize;
}
