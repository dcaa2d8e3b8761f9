/** The exit code of a worker that a launcher has started. */
import type { Exit } from '@lockstep/protocol';
import { exitCodeOf } from '@lockstep/worker';
import { exitCodes } from '../errors.ts';
import type { LaunchPlan } from './plan.ts';

/**
 * `exitCodes.again` where the engine asked this worker to stop, and where it asked a coordinator to stop that it starts again by
 * itself: the run then goes on, and needs its workers.
 */
export function endingOf(
  exit: Pick<Exit, 'reason'>,
  { hasOwnCoordinator }: Pick<LaunchPlan, 'hasOwnCoordinator'>,
  wasWarned: boolean,
): number {
  const { reason } = exit;
  const isAgain =
    (reason === 'interrupted' && (wasWarned || hasOwnCoordinator)) || (reason === 'left' && wasWarned);
  return isAgain ? exitCodes.again : exitCodeOf({ type: 'exit', reason });
}
