/** The state with which a branch begins. */
import { resolve } from 'node:path';
import type { Checkpoint } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import { checkpointFacts, initialProgress, type Progress, stateHashes } from '@lockstep/run';
import type { Parent } from '@lockstep/tracking';
import type { PlannedBranch } from './branch.ts';
import type { Computation } from './computation.ts';

export interface Beginning {
  readonly checkpoint: Checkpoint;
  /** For the manifest of the branch. */
  readonly parent: Parent;
}

/**
 * The first checkpoint of a branch: the current state of the computation, which is that of the branch's step. Throws `config` if early
 * stopping has ended the run by then.
 */
export function beginningOf(computation: Computation, branch: PlannedBranch): Beginning {
  const { parent, step, config, dataset } = branch;
  const { variables, arrays, programs } = computation;
  const { fingerprint, stateHash } = stateHashes(programs, arrays);
  const progress = progressOf(computation.progress, branch);
  const facts = {
    step,
    seed: config.seed,
    profile: parent.profile,
    fingerprint,
    stateHash,
    progress,
    dataset,
  };
  const tensors = variables.map(({ name, dtype, shape }, i) => [name, { dtype, shape, data: arrays[i]! }]);
  const { chain } = progress;
  return {
    checkpoint: { step, ...checkpointFacts(facts), tensors: Object.fromEntries(tensors) },
    parent: { run: parent.id, folder: resolve(parent.folder), step, stateHash, chain },
  };
}

/** Early stopping goes on with what the parent has seen, under the rule of the branch. It begins anew with another metric. */
function progressOf(progress: Progress, { parent, step, experiment }: PlannedBranch): Progress {
  const [before, after] = [parent.experiment.earlyStopping, experiment.earlyStopping];
  const { chain, evaluatedStep } = progress;
  const isSameMetric = before?.metric === after?.metric && (before?.mode ?? 'min') === (after?.mode ?? 'min');
  const goesOn = isSameMetric ? progress : { ...initialProgress, chain, evaluatedStep };
  const stopped = after !== undefined && goesOn.badEvaluations >= after.patience;
  if (!stopped) return { ...goesOn, stopped };
  const times = `${goesOn.badEvaluations} evaluation${goesOn.badEvaluations === 1 ? '' : 's'}`;
  throw new LockstepError(
    'config',
    `early stopping ends the run at step ${step}: ${after.metric} has not improved for ${times}, and the patience of the branch is ${after.patience}; branch from an earlier step, or set a greater patience`,
    { step, badEvaluations: goesOn.badEvaluations, patience: after.patience },
  );
}
