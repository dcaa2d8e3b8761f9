/**
 * A run that must not go on, since something of it is not finite. All members come to the same finding, so that the first who
 * tells it is believed: everyone stops as for an interrupt, a holder of the state before writes it down and looks for the
 * operation. A state that is not finite itself is made anew, from the newest checkpoint, under watch.
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

/** What was saved before is finite, since every state is looked at before it is saved. */
function stateFound(turn: Turn, worker: string, generation: number, found: NonFiniteFound) {
  const { step, what } = found;
  const { phase, interrupted, failing, careful, saver, checkpointStep } = turn.state;
  const isEnding = interrupted || failing !== null;
  if (isEnding) return phase === 'saving' && worker === saver ? stopSaved(turn) : undefined;
  if (generation !== turn.state.generation) return;
  if (careful) return beganSo(turn, found);
  update(turn, { careful: true });
  log(turn, { type: 'nonFiniteState', step, what, from: Math.max(0, checkpointStep) });
  if (phase === 'running' || phase === 'preparing') startGeneration(turn);
}

/** No update made it so: of a careful generation each was looked at. */
function beganSo(turn: Turn, found: NonFiniteFound): void {
  update(turn, { nonFinite: found });
  log(turn, { type: 'nonFinite', ...found });
  stopNonFinite(turn, 'the run begins so: look at what makes the initial parameters');
}
