/**
 * The dispatcher of a pool as a pure machine: it owns the connections of all workers and gives each worker to one run at a time,
 * whose coordinator's machine then sees this worker's messages as if it were alone. The shell is in `apps/coordinator`.
 */

import { MAX_TICK_MS } from '../constants.ts';
import { type Difference, machineDifference, profileDifference } from '../coordinator/differences.ts';
import type { LossReason } from '../coordinator/state.ts';
import type { CoordinatorMessage, Hello, WorkerMessage } from '../messages/messages.ts';
import { isOfRun } from '../worker/runs.ts';
import { assign, joinRunning, mostWorkers, place, sendAway, takeFrom } from './placing.ts';
import {
  closingReason,
  type DispatcherConfig,
  type DispatcherEffect,
  type DispatcherEvent,
  type DispatcherState,
} from './state.ts';
import {
  deliver,
  forget,
  heard,
  inOrder,
  log,
  put,
  refuse,
  send,
  serversOf,
  type Turn,
  update,
  updateRun,
} from './turn.ts';

type Event<Type extends DispatcherEvent['type']> = Extract<DispatcherEvent, { type: Type }>;

export function createDispatcher(config: DispatcherConfig, now: number): DispatcherState {
  return {
    config,
    workers: new Map(),
    runs: new Map(),
    numMoves: 0,
    isClosing: false,
    ranMs: 0,
    lastTickMs: now,
    lastHeartbeatMs: now,
  };
}

/** Handles one event: returns the next state and the effects. `now`: milliseconds on a clock that never goes back. */
export function advanceDispatcher(
  state: DispatcherState,
  event: DispatcherEvent,
  now: number,
): { readonly state: DispatcherState; readonly effects: readonly DispatcherEffect[] } {
  const turn: Turn = { state, effects: [], now };
  handle(turn, event);
  return { state: turn.state, effects: turn.effects };
}

function handle(turn: Turn, event: DispatcherEvent) {
  switch (event.type) {
    case 'message':
      return hear(turn, event.worker, event.message);
    case 'heard':
      return piece(turn, event.worker);
    case 'disconnected':
      return lose(turn, event.worker, 'disconnected');
    case 'tick':
      return tick(turn);
    case 'runAdded':
      return runAdded(turn, event);
    case 'progress':
      return updateRun(turn, event.run, { remaining: event.remaining });
    case 'runEnding':
      return updateRun(turn, event.run, { isEnding: true });
    case 'runEnded':
      return runEnded(turn, event.run);
    case 'send':
      return forward(turn, event);
    case 'close':
      return close(turn);
    default:
      event satisfies never;
  }
}

function hear(turn: Turn, worker: string, message: WorkerMessage) {
  if (message.type === 'hello') return greeted(turn, worker, message);
  const known = turn.state.workers.get(worker);
  if (known === undefined) {
    const unknown = 'not a worker of this pool; say hello first';
    return send(turn, worker, { type: 'refused', code: 'unknown', message: unknown });
  }
  heard(turn, worker);
  if (message.type === 'leave') return lose(turn, worker, 'left');
  const { place: at } = known;
  const { run } = message;
  if (run === undefined || at.kind === 'dismissed') return;
  if (at.kind === 'serving' && at.run === run)
    return deliver(turn, run, { type: 'message', worker, message });
  // What a worker that leaves a run still reports of it is of no use to anyone.
  if (at.kind === 'leaving' && at.run === run) return;
  // It was taken for a free worker because of a hello that it had sent before it was welcomed.
  if (at.kind === 'serving') deliver(turn, at.run, { type: 'disconnected', worker });
  sendAway(turn, worker, run);
  place(turn);
}

function piece(turn: Turn, worker: string): void {
  heard(turn, worker);
  const known = turn.state.workers.get(worker);
  if (known?.place.kind === 'serving') deliver(turn, known.place.run, { type: 'heard', worker });
}

function greeted(turn: Turn, worker: string, hello: Hello) {
  const known = turn.state.workers.get(worker);
  // It repeats its hello until it hears that it was refused.
  if (known?.place.kind === 'dismissed') return heard(turn, worker);
  if (known === undefined) enter(turn, worker, hello);
  else heard(turn, worker, hello);
  const difference = differenceOf(turn.state, worker, hello);
  if (difference !== null) return refuse(turn, worker, difference.code, difference.message);
  const { run, host, pid, threads } = hello;
  if (known === undefined) log(turn, { type: 'joined', worker, host, pid, threads });
  const at = known?.place;
  // A run that expects the worker hears its hello: again, if the first answer was lost.
  if (at?.kind === 'serving' && (run === undefined || run === at.run))
    return deliver(turn, at.run, { type: 'message', worker, message: hello });
  if (at?.kind === 'serving') deliver(turn, at.run, { type: 'disconnected', worker });
  if (run !== undefined) return returned(turn, worker, run);
  if (turn.state.isClosing) return dismiss(turn, worker);
  if (at?.kind === 'leaving') put(turn, worker, free(turn));
  place(turn);
}

function enter(turn: Turn, worker: string, hello: Hello): void {
  const { ranMs, numMoves } = turn.state;
  const at = { kind: 'idle', number: numMoves, sinceMs: ranMs } as const;
  const workers = new Map(turn.state.workers).set(worker, { hello, place: at, lastHeardMs: ranMs });
  update(turn, { workers, numMoves: numMoves + 1 });
}

/** Why a worker can take part in no run of this pool, or null. */
function differenceOf({ config }: DispatcherState, worker: string, hello: Hello): Difference | null {
  if (hello.worker !== worker) {
    return { code: 'protocol', message: `says hello as ${hello.worker} over the connection of ${worker}` };
  }
  return machineDifference(config, hello) ?? profileDifference(config.profile, hello);
}

/** A worker that is still in a run, perhaps with a state that nobody else has: it goes on there, or leaves the run. */
function returned(turn: Turn, worker: string, run: string) {
  const known = turn.state.runs.get(run);
  const isTaken = known !== undefined && !known.isEnding && !known.refused.has(worker);
  const isLeaving = turn.state.workers.get(worker)?.place.kind === 'leaving';
  if (
    isTaken &&
    !isLeaving &&
    !turn.state.isClosing &&
    serversOf(turn.state, run).length < mostWorkers(known)
  )
    return assign(turn, worker, run);
  sendAway(turn, worker, run);
}

/** Removes a worker. If it still lives, it may say hello again. */
function lose(turn: Turn, worker: string, reason: LossReason): void {
  const known = turn.state.workers.get(worker);
  if (known === undefined) return;
  forget(turn, worker);
  if (known.place.kind === 'dismissed') return;
  log(turn, { type: 'lost', worker, reason });
  if (known.place.kind === 'serving') {
    const { run } = known.place;
    if (reason === 'left') deliver(turn, run, { type: 'message', worker, message: { type: 'leave' } });
    else deliver(turn, run, { type: 'disconnected', worker });
  }
  place(turn);
}

function tick(turn: Turn): void {
  const { lastTickMs, lastHeartbeatMs, config } = turn.state;
  const ranMs = turn.state.ranMs + Math.min(turn.now - lastTickMs, MAX_TICK_MS);
  update(turn, { lastTickMs: turn.now, ranMs });
  for (const [worker, { lastHeardMs }] of turn.state.workers) {
    if (ranMs - lastHeardMs > config.livenessMs) lose(turn, worker, 'silent');
  }
  joinRunning(turn);
  if (turn.now - lastHeartbeatMs < config.heartbeatMs) return;
  update(turn, { lastHeartbeatMs: turn.now });
  // The workers of a run hear its machine's heartbeats.
  const waiting = inOrder(turn.state.workers, ({ kind }) => kind === 'idle' || kind === 'leaving');
  for (const worker of waiting) send(turn, worker, { type: 'heartbeat', step: -1 });
}

function runAdded(turn: Turn, { run, needs, remaining }: Event<'runAdded'>): void {
  const added = { ...needs, remaining, refused: new Set<string>(), isEnding: false };
  update(turn, { runs: new Map(turn.state.runs).set(run, added) });
  place(turn);
}

/** Workers that the run has not told to stop leave it now. */
function runEnded(turn: Turn, run: string): void {
  for (const worker of serversOf(turn.state, run)) sendAway(turn, worker, run);
  const runs = new Map(turn.state.runs);
  runs.delete(run);
  update(turn, { runs });
  place(turn);
}

/** Passes on what a run sends to a worker, as long as the worker is the run's. */
function forward(turn: Turn, { run, worker, message }: Event<'send'>) {
  const known = turn.state.workers.get(worker);
  if (known?.place.kind !== 'serving' || known.place.run !== run) return;
  const { isWelcome } = known.place;
  const isInRun = isWelcome || known.hello.run !== undefined;
  if (message.type === 'refused' && message.code !== 'unknown')
    return turnedAway(turn, run, worker, message, isInRun);
  if (message.type === 'welcome') put(turn, worker, { kind: 'serving', run, isWelcome: true });
  else if (message.type === 'stop') put(turn, worker, isInRun ? { kind: 'leaving', run } : free(turn));
  else if (!isWelcome) return;
  if (isInRun || message.type === 'welcome') turn.effects.push({ type: 'forward', worker, message });
}

const free = ({ state }: Turn) => ({ kind: 'idle', sinceMs: state.ranMs }) as const;

type Refusal = Extract<CoordinatorMessage, { type: 'refused' }>;

/** A run has refused a worker. Others may take it, unless it can take part in none. */
function turnedAway(turn: Turn, run: string, worker: string, message: Refusal, isInRun: boolean): void {
  const isForAll = !isOfRun(message.code);
  const refused = new Set(turn.state.runs.get(run)?.refused).add(worker);
  updateRun(turn, run, { refused });
  if (isForAll) put(turn, worker, { kind: 'dismissed' });
  // A worker that has not heard of the run yet needs not hear of it.
  else put(turn, worker, isInRun ? { kind: 'leaving', run } : free(turn));
  if (isForAll || isInRun) turn.effects.push({ type: 'forward', worker, message });
  place(turn);
}

function close(turn: Turn): void {
  update(turn, { isClosing: true });
  for (const [worker, { place }] of turn.state.workers) {
    if (place.kind === 'serving') takeFrom(turn, worker, place.run);
    if (place.kind === 'idle') dismiss(turn, worker);
  }
}

function dismiss(turn: Turn, worker: string): void {
  put(turn, worker, { kind: 'dismissed' });
  send(turn, worker, { type: 'stop', reason: closingReason });
}
