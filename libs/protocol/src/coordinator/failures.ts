/** Decides which errors refuse a worker and which end the run, and what is saved before it ends. */

import type { WireError } from '@lockstep/errors';
import { MAX_TEXT_LENGTH, PARK_BEFORE_FAILING_MS, SAVE_BEFORE_FAILING_MS } from '../constants.ts';
import { fail } from './ending.ts';
import { continueWithout, save, startGeneration } from './generations.ts';
import type { WorkerRecord } from './state.ts';
import { log, refuse, type Turn, update } from './turn.ts';
import { expectFewer } from './waiting.ts';

/** A worker failed while it loaded or computed. */
export function workerFailed(turn: Turn, worker: string, error: WireError) {
  const record = turn.state.workers.get(worker)!;
  if (record.status === 'loading') return failedToLoad(turn, worker, record, error);
  const others = [...turn.state.workers.values()].filter((one) => one !== record);
  // Others have done a step and this worker has not, so its machine is at fault: too little memory, another version of a package.
  if (!record.isProven && others.some(({ isProven }) => isProven)) {
    refuseFailed(turn, worker, record, 'computing failed', error);
    return continueWithout(turn, worker, record);
  }
  failAfterSaving(turn, error, worker);
}

/**
 * If the experiment was loaded once, the worker is at fault. Until then the experiment may be: when the last awaited worker has
 * failed too, its error ends the run.
 */
function failedToLoad(turn: Turn, worker: string, record: WorkerRecord, error: WireError) {
  const { dataHash, programs, needed, workers } = turn.state;
  const hasLoaded = dataHash !== null || programs !== null;
  if (!hasLoaded && needed === 1 && workers.size === 1) return fail(turn, error);
  refuseFailed(turn, worker, record, 'loading failed', error);
  expectFewer(turn);
}

function refuseFailed(
  turn: Turn,
  worker: string,
  { hello }: WorkerRecord,
  what: string,
  error: WireError,
): void {
  const message = `${what} on ${hello.host}: ${error.message}`;
  refuse(turn, worker, 'failed', message.slice(0, MAX_TEXT_LENGTH));
}

/** Ends the run with an error once the newest state is saved or the time-out is over. `worker`: the worker that failed. */
export function failAfterSaving(turn: Turn, error: WireError, worker?: string) {
  const { failing, phase, progressStep, checkpointStep, ranMs, saver } = turn.state;
  // Other members report the same error. If the saving worker does, the state cannot be saved.
  if (failing !== null)
    return worker === saver && worker !== undefined ? fail(turn, failing.error) : undefined;
  if (progressStep <= Math.max(0, checkpointStep)) return fail(turn, error);
  const parkUntilMs = ranMs + PARK_BEFORE_FAILING_MS;
  update(turn, { failing: { error, parkUntilMs, saveUntilMs: parkUntilMs + SAVE_BEFORE_FAILING_MS } });
  log(turn, { type: 'failing', message: error.message });
  // After an interrupt, the state is being saved already.
  const isSaving = phase === 'saving' || phase === 'searching';
  if (!isSaving || worker === saver) startGeneration(turn);
}

/** The coordinator's own process failed. If it fails again while it saves, the run ends at once. */
export function shellFailed(turn: Turn, error: WireError): void {
  if (turn.state.failing !== null) fail(turn, turn.state.failing.error);
  else failAfterSaving(turn, error);
}

/** Called at each tick: if an error ends the run, this ends the waiting after its time-outs. */
export function enforceTimeouts(turn: Turn): void {
  const { failing, phase, ranMs } = turn.state;
  if (failing === null) return;
  if (ranMs >= failing.saveUntilMs) fail(turn, failing.error);
  else if (phase === 'preparing' && ranMs >= failing.parkUntilMs) save(turn);
}
