import { LockstepError } from '@lockstep/errors';
import { foldIn, keyFromSeed, permutation, purposes } from '@lockstep/rng';

/** The rows of one shard in one step. Padding rows have weight 0 and repeat a sample of the step. */
export interface ShardSamples {
  readonly indices: Int32Array;
  readonly weights: Float32Array;
}

export interface StepSamples {
  readonly epoch: number;
  readonly shards: readonly ShardSamples[];
}

export interface StepSpec {
  /** Counts from 0 over the whole run, or over the pass of an evaluation. */
  readonly step: number;
  readonly numSamples: number;
  readonly batchSize: number;
  readonly numShards: number;
}

/**
 * Where epochs are counted from: epoch `epoch`, from 0, begins when `step` steps are done. It differs from the beginning of the run
 * where the number of steps in an epoch has changed.
 */
export interface EpochStart {
  readonly step: number;
  readonly epoch: number;
}

const beginning: EpochStart = { step: 0, epoch: 0 };

/** The number of steps of one pass over the samples, including a last, shorter batch. */
export function stepsPerEpoch(numSamples: number, batchSize: number): number {
  requirePositive({ numSamples, batchSize });
  return Math.ceil(numSamples / batchSize);
}

/** The number of rows of each shard: `ceil(batchSize / numShards)`. */
export function rowsPerShard(batchSize: number, numShards: number): number {
  requirePositive({ batchSize, numShards });
  return Math.ceil(batchSize / numShards);
}

/**
 * The samples of a training step: a pure function of its arguments. Each epoch goes once through all samples, in an
 * order that is derived from seed and epoch.
 */
export function stepSamples(
  spec: StepSpec & { readonly seed: number; readonly epochsFrom?: EpochStart | undefined },
): StepSamples {
  const { seed, numSamples, batchSize, epochsFrom = beginning } = spec;
  const step = spec.step - epochsFrom.step;
  requireStep(step);
  const epoch = epochsFrom.epoch + Math.floor(step / stepsPerEpoch(numSamples, batchSize));
  const order = epochOrder(seed, epoch, numSamples);
  return { epoch, shards: shardsOf({ ...spec, step }, (position) => order[position]!) };
}

/** The samples of step `step` of an evaluation, which goes once through all samples in the order of the file. */
export function evaluationSamples(spec: StepSpec): { readonly shards: readonly ShardSamples[] } {
  requireStep(spec.step);
  const numSteps = stepsPerEpoch(spec.numSamples, spec.batchSize);
  if (spec.step >= numSteps) {
    throw new LockstepError(
      'argument',
      `evaluationSamples: there is no step ${spec.step} in a pass of ${numSteps} steps`,
      {
        ...spec,
        numSteps,
      },
    );
  }
  return { shards: shardsOf(spec, (position) => position) };
}

function shardsOf(spec: StepSpec, sampleAt: (position: number) => number): ShardSamples[] {
  const { step, numSamples, batchSize, numShards } = spec;
  const numRows = rowsPerShard(batchSize, numShards);
  const start = (step % stepsPerEpoch(numSamples, batchSize)) * batchSize;
  const count = Math.min(batchSize, numSamples - start);
  return Array.from({ length: numShards }, (_, shard) => {
    const indices = new Int32Array(numRows);
    const weights = new Float32Array(numRows);
    for (let row = 0; row < numRows; row++) {
      const place = shard * numRows + row;
      indices[row] = sampleAt(start + (place % count));
      weights[row] = place < count ? 1 : 0;
    }
    return { indices, weights };
  });
}

/** A cache of the last order, which every step of an epoch uses. */
let lastOrder: { readonly seed: number; readonly epoch: number; readonly order: Int32Array } = {
  seed: -1,
  epoch: -1,
  order: new Int32Array(0),
};

function epochOrder(seed: number, epoch: number, numSamples: number): Int32Array {
  if (lastOrder.seed !== seed || lastOrder.epoch !== epoch || lastOrder.order.length !== numSamples) {
    const key = foldIn(foldIn(keyFromSeed(seed), purposes.shuffle), epoch);
    lastOrder = { seed, epoch, order: permutation(key, numSamples) };
  }
  return lastOrder.order;
}

function requireStep(step: number): void {
  if (!Number.isInteger(step) || step < 0) {
    throw new LockstepError('argument', `step ${step} is not an integer of 0 or more`, { step });
  }
}

function requirePositive(counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) {
      throw new LockstepError('argument', `${name} must be a positive integer, not ${count}`, counts);
    }
  }
}
