/** One call of the dispatcher: its current state and its effects so far. It does not outlive the call. */

import type { CoordinatorMessage, Hello, RefusalCode } from '../messages/messages.ts';
import type {
  DispatcherEffect,
  DispatcherState,
  Place,
  PoolEvent,
  PooledRun,
  PoolWorker,
  RunBound,
} from './state.ts';

export interface Turn {
  state: DispatcherState;
  readonly effects: DispatcherEffect[];
  readonly now: number;
}

export function update(turn: Turn, changes: Partial<DispatcherState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function send(turn: Turn, worker: string, message: CoordinatorMessage): void {
  turn.effects.push({ type: 'send', worker, message });
}

export function deliver(turn: Turn, run: string, event: RunBound): void {
  turn.effects.push({ type: 'deliver', run, event });
}

export function log(turn: Turn, event: PoolEvent): void {
  turn.effects.push({ type: 'event', event });
}

export function updateRun(turn: Turn, run: string, changes: Partial<PooledRun>): void {
  const known = turn.state.runs.get(run);
  if (known !== undefined)
    update(turn, { runs: new Map(turn.state.runs).set(run, { ...known, ...changes }) });
}

function updateWorker(turn: Turn, worker: string, changes: Partial<PoolWorker>): void {
  const known = turn.state.workers.get(worker);
  if (known === undefined) return;
  update(turn, { workers: new Map(turn.state.workers).set(worker, { ...known, ...changes }) });
}

export function heard(turn: Turn, worker: string, hello?: Hello): void {
  updateWorker(turn, worker, { lastHeardMs: turn.state.ranMs, ...(hello && { hello }) });
}

type Destination<Kind = Place['kind']> = Kind extends Place['kind']
  ? Omit<Extract<Place, { kind: Kind }>, 'number'>
  : never;

/** Puts a worker into another place. */
export function put(turn: Turn, worker: string, place: Destination): void {
  const number = turn.state.numMoves;
  update(turn, { numMoves: number + 1 });
  updateWorker(turn, worker, { place: { ...place, number } as Place });
}

export function forget(turn: Turn, worker: string): void {
  const workers = new Map(turn.state.workers);
  workers.delete(worker);
  update(turn, { workers });
}

/** Refuses a worker for any run of this pool. */
export function refuse(turn: Turn, worker: string, code: RefusalCode, message: string): void {
  put(turn, worker, { kind: 'dismissed' });
  send(turn, worker, { type: 'refused', code, message });
  log(turn, { type: 'refused', worker, code, message });
}

/** The workers of a run, earliest first. */
export function serversOf({ workers }: DispatcherState, run: string): readonly string[] {
  return inOrder(workers, (place) => place.kind === 'serving' && place.run === run);
}

/** The workers in certain places, earliest first. */
export function inOrder(
  workers: DispatcherState['workers'],
  isIn: (place: Place) => boolean,
): readonly string[] {
  return [...workers]
    .filter(([, { place }]) => isIn(place))
    .sort(([, one], [, other]) => one.place.number - other.place.number)
    .map(([worker]) => worker);
}
