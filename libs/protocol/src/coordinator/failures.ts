/** Errors: which of them turn a worker away, which end the run, and what is saved before it ends. */

import type { WireError } from '@lockstep/errors';
import { MAX_TEXT_LENGTH, PARK_BEFORE_FAILING_MS, SAVE_BEFORE_FAILING_MS } from '../constants.ts';
import { fail } from './ending.ts';
import { goOnWithout, save, startGeneration } from './generations.ts';
import type { WorkerRecord } from './state.ts';
import { log, refuse, type Turn, update } from './turn.ts';
import { goOnWithFewer } from './waiting.ts';

/** An error of a worker, loading or computing. */
export function workerFailed(turn: Turn, worker: string, error: WireError) {
  const record = turn.state.workers.get(worker)!;
  if (record.status === 'loading') return failedToLoad(turn, worker, record, error);
  const others = [...turn.state.workers.values()].filter((one) => one !== record);
  // What others have done and this one never did is its own trouble: too little memory, a package of another version.
  if (!record.isProven && others.some(({ isProven }) => isProven)) {
    turnAway(turn, worker, record, 'computing failed', error);
    return goOnWithout(turn, worker, record);
  }
  failAfterSaving(turn, error, worker);
}

/**
 * Where the experiment has been loaded once, what fails is the worker. Until then it may be the experiment: when the last of
 * those that were waited for has failed too, its error ends the run.
 */
function failedToLoad(turn: Turn, worker: string, record: WorkerRecord, error: WireError) {
  const { dataHash, programs, needed, workers } = turn.state;
  const hasLoaded = dataHash !== null || programs !== null;
  if (!hasLoaded && needed === 1 && workers.size === 1) return fail(turn, error);
  turnAway(turn, worker, record, 'loading failed', error);
  goOnWithFewer(turn);
}

function turnAway(turn: Turn, worker: string, { hello }: WorkerRecord, what: string, error: WireError): void {
  const message = `${what} on ${hello.host}: ${error.message}`;
  refuse(turn, worker, 'failed', message.slice(0, MAX_TEXT_LENGTH));
}

/** Ends the run with an error, once the newest state is saved or time is over. `worker`: whose error it is. */
export function failAfterSaving(turn: Turn, error: WireError, worker?: string) {
  const { failing, phase, progressStep, checkpointStep, ranMs, saver } = turn.state;
  // Others have the same error, or the one that was to save.
  if (failing !== null)
    return worker === saver && worker !== undefined ? fail(turn, failing.error) : undefined;
  if (progressStep <= Math.max(0, checkpointStep)) return fail(turn, error);
  const parkUntilMs = ranMs + PARK_BEFORE_FAILING_MS;
  update(turn, { failing: { error, parkUntilMs, saveUntilMs: parkUntilMs + SAVE_BEFORE_FAILING_MS } });
  log(turn, { type: 'failing', message: error.message });
  // After an interrupt, the state is on its way already.
  const isSaving = phase === 'saving' || phase === 'searching';
  if (!isSaving || worker === saver) startGeneration(turn);
}

/** The coordinator's own process cannot go on. Where it fails in saving too, it ends at once. */
export function shellFailed(turn: Turn, error: WireError): void {
  if (turn.state.failing !== null) fail(turn, turn.state.failing.error);
  else failAfterSaving(turn, error);
}

/** At each tick of a run that an error ends: nobody is waited for without end. */
export function hurry(turn: Turn): void {
  const { failing, phase, ranMs } = turn.state;
  if (failing === null) return;
  if (ranMs >= failing.saveUntilMs) fail(turn, failing.error);
  else if (phase === 'preparing' && ranMs >= failing.parkUntilMs) save(turn);
}
