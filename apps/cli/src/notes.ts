/** What is odd in a run and no mistake. It is said in a line when the run starts, since nobody would see it otherwise. */
import type { Dataset } from '@lockstep/data';
import { createSchedule, type RunConfig } from '@lockstep/run';
import { type Experiment, idleSteps } from '@lockstep/training';
import { plural, rate } from './display/format.ts';

/** `told`: what stands on the command line. */
export function notesOf(
  { optimizer }: Pick<Experiment, 'optimizer'>,
  { splits }: Pick<Dataset, 'splits'>,
  config: RunConfig,
  told: { readonly checkpointEvery?: number | undefined } = {},
): readonly string[] {
  const numSamples = splits.train.size;
  const { totalSteps, stepsPerEpoch } = createSchedule(config, numSamples, splits.validation !== undefined);
  return [
    largeBatch(config, numSamples),
    thinShards(config),
    twoLengths(config, stepsPerEpoch),
    fewSamples(config, numSamples),
    lateCheckpoint(told.checkpointEvery, totalSteps),
    noMovement(idleSteps(optimizer, totalSteps, config.batchSize), totalSteps),
  ].filter((note) => note !== undefined);
}

function largeBatch({ batchSize }: RunConfig, numSamples: number): string | undefined {
  if (batchSize <= numSamples) return undefined;
  const filled = plural(batchSize - numSamples, 'row');
  return `a batch of ${rate(batchSize)} is larger than the training data of ${plural(numSamples, 'sample')}: an epoch is one step, in which ${filled} only fill up, with weight 0`;
}

function thinShards({ batchSize, numShards }: RunConfig): string | undefined {
  const rows = Math.ceil(batchSize / numShards);
  const shards = `a batch of ${rate(batchSize)} in ${plural(numShards, 'shard')}`;
  const remedy = 'fewer shards or a larger batch compute less for nothing';
  const numThin = Array.from({ length: numShards }, (_, i) => batchSize - i * rows).filter(
    (left) => 2 * Math.max(0, left) < rows,
  ).length;
  if (numThin > 0) {
    const have = numThin === 1 ? 'shard has' : 'shards have';
    return `${shards} of ${plural(rows, 'row')}: ${numThin} ${have} more rows that only fill up than samples; ${remedy}`;
  }
  if (rows > 1 || numShards === 1) return undefined;
  return `${shards} is one row a shard: nothing is computed together but what one thread has; fewer shards or a larger batch are faster`;
}

function twoLengths({ steps, epochs }: RunConfig, stepsPerEpoch: number): string | undefined {
  if (steps === null || epochs === null) return undefined;
  const byEpochs = epochs * stepsPerEpoch;
  const length = `${plural(epochs, 'epoch')} are ${plural(byEpochs, 'step')}`;
  return steps < byEpochs
    ? `steps and epochs are both given: ${plural(steps, 'step')} end the run, before its epochs do (${length})`
    : `steps and epochs are both given: the epochs end the run (${length}), not the ${plural(steps, 'step')}`;
}

function fewSamples({ limitSamples }: RunConfig, numSamples: number): string | undefined {
  if (limitSamples === null || limitSamples <= numSamples) return undefined;
  return `the limit of ${plural(limitSamples, 'sample')} leaves nothing out: the training data are ${rate(numSamples)}`;
}

/** That a short run has none on the way by default is no news. */
function lateCheckpoint(every: number | undefined, totalSteps: number): string | undefined {
  if (every === undefined || every <= totalSteps) return undefined;
  return `the first checkpoint is the last: one is written every ${plural(every, 'step')}, and the run has ${rate(totalSteps)}; what is killed before begins again`;
}

function noMovement(numSteps: number | undefined, totalSteps: number): string | undefined {
  if (numSteps === undefined) return undefined;
  const when = numSteps === totalSteps ? 'any step' : `its first ${plural(numSteps, 'step')}`;
  return `the optimizer moves no parameter in ${when}: is its learning rate 0?`;
}
