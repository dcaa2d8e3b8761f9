/**
 * Ends a run whose loss, gradients or state is not finite. All members come to the same finding, so the first report
 * decides: all members park as for an interrupt, one that holds the state before the step saves it and searches for the
 * operation. If a state itself is not finite, the run computes it again from the newest checkpoint and checks each update.
 */
import type { NonFiniteFound, WorkerMessage } from '../messages/messages.ts';
import { stopNonFinite, stopSaved } from './ending.ts';
import { startGeneration } from './generations.ts';
import { log, type Turn, update } from './turn.ts';

type Message<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>;

export function nonFiniteFound(turn: Turn, worker: string, { generation, found }: Message<'nonFinite'>) {
  if (turn.state.nonFinite !== null) return;
  const { cause, step, what } = found;
  if (cause === 'state') return stateFound(turn, worker, generation, found);
  update(turn, { nonFinite: found });
  if (turn.state.toldNonFinite !== step) log(turn, { type: 'nonFinite', cause, step, what });
  update(turn, { toldNonFinite: step });
  if (turn.state.phase === 'running') startGeneration(turn);
}

/** Every checkpoint is finite, because a state is checked before it is saved. */
function stateFound(turn: Turn, worker: string, generation: number, found: NonFiniteFound) {
  const { step, what } = found;
  const { phase, interrupted, failing, careful, saver, checkpointStep } = turn.state;
  const isEnding = interrupted || failing !== null;
  if (isEnding) return phase === 'saving' && worker === saver ? stopSaved(turn) : undefined;
  if (generation !== turn.state.generation) return;
  if (careful) return initialStateFound(turn, found);
  update(turn, { careful: true });
  log(turn, { type: 'nonFiniteState', step, what, from: Math.max(0, checkpointStep) });
  if (phase === 'running' || phase === 'preparing') startGeneration(turn);
}

/** A careful generation checks each update, so no update made this state: it is the initial one. */
function initialStateFound(turn: Turn, found: NonFiniteFound): void {
  update(turn, { nonFinite: found });
  log(turn, { type: 'nonFinite', ...found });
  stopNonFinite(turn, 'the initial state is not finite; check what makes the initial parameters');
}
