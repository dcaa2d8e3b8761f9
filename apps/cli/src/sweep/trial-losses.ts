/** Finds a run that its workers do not survive, as when its model does not fit into memory. */
import type { PooledRun } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';

/** A run that has lost all its workers so often without a new checkpoint is set aside. */
export const maxLosses = 3;

export interface LossCount {
  /** Why the run was ended; undefined if it was not. */
  readonly reason: string | undefined;
  stop(): void;
}

/** Ends the run when it has lost its last worker for the third time since its newest checkpoint. */
export function countLosses(run: Pick<PooledRun, 'onUpdate' | 'numWorkers' | 'fail'>): LossCount {
  let numLosses = 0;
  let hasWorker = true;
  let reason: string | undefined;
  const stop = run.onUpdate((update) => {
    if (update.type === 'checkpoint') numLosses = 0;
    if (update.type !== 'event' || reason !== undefined) return;
    const { event } = update;
    if (event.type === 'joined') hasWorker = true;
    // A worker that left was called to another run. Several that are lost at once count once.
    if (event.type !== 'lost' || event.reason === 'left' || !hasWorker || run.numWorkers() > 0) return;
    hasWorker = false;
    numLosses++;
    if (numLosses < maxLosses) return;
    reason = `it has lost its workers ${numLosses} times without a new checkpoint; does its model fit into their memory?`;
    run.fail(toWireError(new LockstepError('lost', reason, { numLosses })));
  });
  return {
    get reason() {
      return reason;
    },
    stop,
  };
}
