/** The ways in which a run ends. Every worker is told once, and nothing is sent afterwards. */

import { invariant, type WireError } from '@lockstep/errors';
import type { Hello, StopReason } from '../messages/messages.ts';
import type { Finish } from './state.ts';
import { journal, newcomer, send, type Turn, update } from './turn.ts';

/** The run has ended, or has come to where it pauses: to its journal and its workers that is an interruption. */
export function finish(turn: Turn, { step, fingerprint, result }: Finish): void {
  if (step === turn.state.config.pauseAt) {
    stopWorkers(turn, 'interrupted', step);
    turn.effects.push({ type: 'done', outcome: { reason: 'paused', step, result } });
    return;
  }
  stopWorkers(turn, 'finished', step);
  turn.effects.push({ type: 'done', outcome: { reason: 'finished', step, fingerprint, result } });
}

/** All members agree on step and finding. `message`: the result of the search. */
export function stopNonFinite(turn: Turn, message: string): void {
  const found = turn.state.nonFinite;
  invariant(found !== null, 'a run ends as non-finite only after a finding');
  const { step } = found;
  stopWorkers(turn, 'nonFinite', step, message);
  turn.effects.push({ type: 'done', outcome: { reason: 'nonFinite', step, found, message } });
}

/** Ends the run at the newest checkpoint, from which it can be resumed. */
export function stopInterrupted(turn: Turn): void {
  const step = turn.state.checkpointStep;
  stopWorkers(turn, 'interrupted', step);
  turn.effects.push({ type: 'done', outcome: { reason: 'interrupted', step } });
}

/** The state is saved if that was possible: ends the run with its error or as interrupted. */
export function stopSaved(turn: Turn): void {
  const { failing } = turn.state;
  if (failing === null) stopInterrupted(turn);
  else fail(turn, failing.error);
}

export function fail(turn: Turn, error: WireError): void {
  const step = turn.state.progressStep;
  stopWorkers(turn, 'failed', step, error.message);
  turn.effects.push({ type: 'done', outcome: { reason: 'failed', step, error } });
}

/** Tells a worker that joins after the end to stop. A worker that was told already is not told again. */
export function stopLatecomer(turn: Turn, hello: Hello): void {
  const { workers, stopReason } = turn.state;
  if (workers.has(hello.worker)) return;
  update(turn, { workers: new Map(workers).set(hello.worker, newcomer(hello, turn.state.ranMs)) });
  send(turn, hello.worker, { type: 'stop', reason: stopReason ?? 'finished' });
}

function stopWorkers(turn: Turn, reason: StopReason, step: number, message?: string): void {
  journal(turn, { type: 'done', reason, step });
  for (const worker of turn.state.workers.keys()) {
    send(turn, worker, { type: 'stop', reason, ...(message === undefined ? {} : { message }) });
  }
  update(turn, { phase: 'done', stopReason: reason });
}
