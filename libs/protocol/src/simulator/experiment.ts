/** What simulated workers compute beside numbers: the plan of a run, and what of it is not finite. Pure functions of the step. */

import { invariant } from '@lockstep/errors';
import type { NonFiniteFound } from '../messages/messages.ts';
import type { ProgramOutline } from '../worker/state.ts';
import type { RunOptions } from './options.ts';
import type { SimRun } from './world.ts';

export function outlineOf({ options, ledger: { finalStep }, pauseAt }: SimRun): ProgramOutline {
  const { numSegments, numSteps, evaluateEvery, checkpointEvery, fingerprintEvery, finalEvaluation } =
    options;
  return {
    numSegments,
    finalEvaluation,
    dataHash: 'data',
    plan: (step) => ({
      evaluate: step % evaluateEvery === 0 && step <= finalStep,
      checkpoint: (step > 0 && step % checkpointEvery === 0) || step === pauseAt,
      stateHash: step > 0 && step % checkpointEvery === 0,
      fingerprint: step % fingerprintEvery === 0,
      last: step === numSteps || step === pauseAt,
    }),
  };
}

/** Whether the state of `step` is not finite. */
export function isBroken({ nonFinite }: RunOptions, step: number): boolean {
  return nonFinite?.cause === 'update' && step >= nonFinite.step;
}

/** What prevents the update of `step`, or makes the worker take it back. */
export function findingAt(
  options: RunOptions,
  step: number,
  careful: boolean,
  worker: string,
): NonFiniteFound | undefined {
  const { nonFinite } = options;
  if (nonFinite === undefined) return undefined;
  const { cause, step: at, shownAt } = nonFinite;
  if (isBroken(options, step - 1)) {
    invariant(!careful, `${worker} was given a state that is not finite`);
    return step >= shownAt ? { cause: 'state', step: step - 1, what: ['w'] } : undefined;
  }
  const isFound = step === at && (cause === 'step' || careful);
  return isFound ? { cause, step, what: ['w'] } : undefined;
}
