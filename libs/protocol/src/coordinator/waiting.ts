/** Which workers the first generation of an incarnation waits for. */

import { startGeneration } from './generations.ts';
import { chooseProfile } from './profile.ts';
import type { CoordinatorState } from './state.ts';
import { loadedWorkers, stopAwaiting, type Turn, update } from './turn.ts';

/** Whether a worker of the previous incarnation has returned. */
export function hasReturned(state: CoordinatorState): boolean {
  const { awaited = [] } = state.config;
  return loadedWorkers(state).some((worker) => awaited.includes(worker));
}

/** At most `workers` workers will join, so the run begins with those. */
export function expectWorkers(turn: Turn, workers: number): void {
  update(turn, { needed: Math.max(1, Math.min(turn.state.needed, workers)) });
  beginIfGathered(turn);
}

/** The run begins with one worker less, because one was refused. */
export function expectFewer(turn: Turn): void {
  if (turn.state.phase === 'gathering') expectWorkers(turn, turn.state.needed - 1);
}

export function absent(turn: Turn, worker: string): void {
  if (!turn.state.awaited.has(worker)) return;
  stopAwaiting(turn, worker);
  beginIfGathered(turn);
}

/** Stops waiting for former workers. One that returns later joins as others do, with the state that it holds. */
export function stopAwaitingAll(turn: Turn): void {
  if (turn.state.awaited.size > 0) update(turn, { awaited: new Set() });
}

export const hasGathered = (state: CoordinatorState): boolean =>
  state.phase === 'gathering' && loadedWorkers(state).length >= state.needed;

export function beginIfGathered(turn: Turn): void {
  if (!hasGathered(turn.state)) return;
  chooseProfile(turn);
  // The choice may have refused some workers.
  if (turn.state.awaited.size === 0 && hasGathered(turn.state)) startGeneration(turn);
}
