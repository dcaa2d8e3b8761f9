/**
 * Notes on things in a run that are odd but no mistake. They are shown when the run starts, because nothing else would show
 * them.
 */
import type { Dataset } from '@lockstep/data';
import { createSchedule, type RunConfig } from '@lockstep/run';
import { type Experiment, idleSteps } from '@lockstep/training';
import { plural, rate } from './display/format.ts';

/** `told` holds options of the command line. */
export function notesOf(
  { optimizer }: Pick<Experiment, 'optimizer'>,
  { splits }: Pick<Dataset, 'splits'>,
  config: RunConfig,
  told: { readonly checkpointEvery?: number | undefined } = {},
): readonly string[] {
  const numSamples = splits.train.size;
  const { totalSteps } = createSchedule(config, numSamples, splits.validation !== undefined);
  return [
    largeBatch(config, numSamples),
    thinShards(config),
    twoLengths(config, numSamples),
    fewSamples(config, numSamples),
    lateCheckpoint(told.checkpointEvery, totalSteps),
    noMovement(idleSteps(optimizer, totalSteps, config.batchSize), totalSteps),
  ].filter((note) => note !== undefined);
}

function largeBatch({ batchSize }: RunConfig, numSamples: number): string | undefined {
  if (batchSize <= numSamples) return undefined;
  const filled = plural(batchSize - numSamples, 'row');
  return `a batch of ${rate(batchSize)} is larger than the training data of ${plural(numSamples, 'sample')}: an epoch is one step, which has ${filled} of padding`;
}

function thinShards({ batchSize, numShards }: RunConfig): string | undefined {
  const rows = Math.ceil(batchSize / numShards);
  const shards = `a batch of ${rate(batchSize)} in ${plural(numShards, 'shard')}`;
  const remedy = 'use fewer shards or a larger batch';
  const numThin = Array.from({ length: numShards }, (_, i) => batchSize - i * rows).filter(
    (left) => 2 * Math.max(0, left) < rows,
  ).length;
  if (numThin > 0) {
    const have = numThin === 1 ? 'shard has' : 'shards have';
    return `${shards} of ${plural(rows, 'row')}: ${numThin} ${have} more rows of padding than samples; ${remedy}`;
  }
  if (rows > 1 || numShards === 1) return undefined;
  return `${shards} has one row in a shard, so only rows of one thread are computed together; fewer shards or a larger batch are faster`;
}

function twoLengths(config: RunConfig, numSamples: number): string | undefined {
  const { steps, epochs } = config;
  if (steps === null || epochs === null) return undefined;
  const byEpochs = createSchedule({ ...config, steps: null }, numSamples, false).totalSteps;
  const length = `${plural(epochs, 'epoch')} are ${plural(byEpochs, 'step')}`;
  return steps < byEpochs
    ? `steps and epochs are both given: ${plural(steps, 'step')} end the run, before its epochs do (${length})`
    : `steps and epochs are both given: the epochs end the run (${length}), not the ${plural(steps, 'step')}`;
}

function fewSamples({ limitSamples }: RunConfig, numSamples: number): string | undefined {
  if (limitSamples === null || limitSamples <= numSamples) return undefined;
  return `the limit of ${plural(limitSamples, 'sample')} has no effect: the training data have ${rate(numSamples)}`;
}

/** No note for the default interval: a short run has no checkpoint before its end then. */
function lateCheckpoint(every: number | undefined, totalSteps: number): string | undefined {
  if (every === undefined || every <= totalSteps) return undefined;
  return `the first checkpoint is the last: one is written every ${plural(every, 'step')}, and the run has ${rate(totalSteps)}; a run that is killed before starts again from the seed`;
}

function noMovement(numSteps: number | undefined, totalSteps: number): string | undefined {
  if (numSteps === undefined) return undefined;
  const when = numSteps === totalSteps ? 'any step' : `its first ${plural(numSteps, 'step')}`;
  return `the optimizer moves no parameter in ${when}: is its learning rate 0?`;
}
