/** The ways a run ends: every worker is told once, and nothing is sent after. */

import { invariant, type WireError } from '@lockstep/errors';
import type { Hello, StopReason } from '../messages/messages.ts';
import type { Finish } from './state.ts';
import { journal, newcomer, send, type Turn, update } from './turn.ts';

export function finish(turn: Turn, { step, fingerprint, result }: Finish): void {
  stopWorkers(turn, 'finished', step);
  turn.effects.push({ type: 'done', outcome: { reason: 'finished', step, fingerprint, result } });
}

/** Everyone agrees on step and finding; `message` says what the search came to. */
export function stopNonFinite(turn: Turn, message: string): void {
  const found = turn.state.nonFinite;
  invariant(found !== null, 'a run ends so because of something that was found');
  const { step } = found;
  stopWorkers(turn, 'nonFinite', step, message);
  turn.effects.push({ type: 'done', outcome: { reason: 'nonFinite', step, found, message } });
}

/** `step` is that of the newest checkpoint: where the run goes on when it is resumed. */
export function stopInterrupted(turn: Turn): void {
  const step = turn.state.checkpointStep;
  stopWorkers(turn, 'interrupted', step);
  turn.effects.push({ type: 'done', outcome: { reason: 'interrupted', step } });
}

/** What was to be saved is, as far as it can be: the run ends as it was to. */
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

/** Answers a worker that comes when all is over; one already told to stop is told nothing more. */
export function turnAway(turn: Turn, hello: Hello): void {
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
