/** Having the operation named that is not finite: one worker that holds the state before the step looks for it. */
import { MAX_SEARCHES } from '../constants.ts';
import type { WorkerMessage } from '../messages/messages.ts';
import { stopNonFinite, stopSaved } from './ending.ts';
import { candidates, send, type Turn, update } from './turn.ts';

type Message<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>;

/**
 * What was to be saved is. Of a run that is interrupted, or ended by an error, that is all. An update that was taken back has told
 * all there is.
 */
export function search(turn: Turn) {
  const { nonFinite, numSearches, interrupted, failing } = turn.state;
  if (nonFinite === null || failing !== null) return stopSaved(turn);
  const { cause, step } = nonFinite;
  if (cause !== 'step') return stopNonFinite(turn, 'the update made it so');
  const holder = holderOf(turn, step - 1);
  if (holder === undefined || numSearches >= MAX_SEARCHES)
    return stopNonFinite(turn, 'the operation could not be named: the workers that looked for it were lost');
  if (interrupted) return stopNonFinite(turn, 'the operation was not looked for: the run was interrupted');
  update(turn, { phase: 'searching', saver: holder, numSearches: numSearches + 1 });
  send(turn, holder, { type: 'search', step });
}

export function searched(turn: Turn, worker: string, { step, message }: Message<'searched'>): void {
  const { phase, saver, nonFinite } = turn.state;
  if (phase === 'searching' && worker === saver && step === nonFinite?.step) stopNonFinite(turn, message);
}

/** Who stands with the state of `step`. */
export const holderOf = (turn: Turn, step: number): string | undefined =>
  candidates(turn.state).find((worker) => {
    const record = turn.state.workers.get(worker);
    return record?.status === 'ready' && record.step === step;
  });
