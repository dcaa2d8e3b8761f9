/** Names the operation that is not finite: a worker that holds the state before the step searches for it. */
import { MAX_SEARCHES } from '../constants.ts';
import type { WorkerMessage } from '../messages/messages.ts';
import { stopNonFinite, stopSaved } from './ending.ts';
import { candidates, send, type Turn, update } from './turn.ts';

type Message<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>;

/**
 * Called when the state is saved. A run that was interrupted or that an error ends stops here. If an update was taken back,
 * there is no operation to search for.
 */
export function search(turn: Turn) {
  const { nonFinite, numSearches, interrupted, failing } = turn.state;
  if (nonFinite === null || failing !== null) return stopSaved(turn);
  const { cause, step } = nonFinite;
  if (cause !== 'step') return stopNonFinite(turn, 'the update made the state non-finite');
  const holder = holderOf(turn, step - 1);
  if (holder === undefined || numSearches >= MAX_SEARCHES)
    return stopNonFinite(turn, 'the operation is not known: the workers that searched for it were lost');
  if (interrupted)
    return stopNonFinite(turn, 'the operation is not known: the run was interrupted before the search');
  update(turn, { phase: 'searching', saver: holder, numSearches: numSearches + 1 });
  send(turn, holder, { type: 'search', step });
}

export function searched(turn: Turn, worker: string, { step, message }: Message<'searched'>): void {
  const { phase, saver, nonFinite } = turn.state;
  if (phase === 'searching' && worker === saver && step === nonFinite?.step) stopNonFinite(turn, message);
}

/** A parked worker that holds the state of `step`. */
export const holderOf = (turn: Turn, step: number): string | undefined =>
  candidates(turn.state).find((worker) => {
    const record = turn.state.workers.get(worker);
    return record?.status === 'ready' && record.step === step;
  });
