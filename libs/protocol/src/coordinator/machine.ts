/**
 * The coordinator as a pure machine: it gathers workers, agrees on one generation after the other, and hears what
 * they commit. The shell in `apps/coordinator` owns sockets, clock and disk, and carries out the effects in order.
 */

import type { WorkerMessage } from '../messages/messages.ts';
import { fail, stopInterrupted, stopNonFinite, turnAway } from './ending.ts';
import { continuePreparing, linkLost, lose, reweigh, startGeneration } from './generations.ts';
import { loaded, welcome } from './joining.ts';
import { nonFiniteFound } from './non-finite.ts';
import { checkpointCame, checkpointSaved, committed, evaluated, finished } from './reports.ts';
import { searched } from './searching.ts';
import type {
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  JournalEntry,
  Recovered,
} from './state.ts';
import { log, refuse, send, type Turn, update, updateWorker } from './turn.ts';

const nothing: Recovered = {
  generation: 0,
  profile: null,
  dataHash: null,
  checkpointStep: -1,
  progressStep: 0,
  evaluatedStep: -1,
  finalEvaluated: false,
};

export function createCoordinator(config: CoordinatorConfig, now: number): CoordinatorState {
  const { initial = nothing } = config;
  return {
    ...initial,
    config,
    phase: 'gathering',
    interrupted: false,
    nonFinite: null,
    careful: false,
    toldNonFinite: -1,
    numSearches: 0,
    needed: config.minWorkers,
    workers: new Map(),
    fingerprints: [],
    blames: {},
    saver: null,
    stopReason: null,
    lastTickMs: now,
    lastHeartbeatMs: now,
  };
}

/** What a journal leaves to the next incarnation; steps reported are read from the run's metrics. */
export function recover(
  entries: readonly JournalEntry[],
  reported: Pick<Recovered, 'progressStep' | 'evaluatedStep' | 'finalEvaluated'>,
): Recovered {
  const { progressStep, evaluatedStep, finalEvaluated } = reported;
  let recovered: Recovered = { ...nothing, progressStep, evaluatedStep, finalEvaluated };
  for (const entry of entries) {
    if (entry.type === 'profile') recovered = { ...recovered, profile: entry.profile };
    if (entry.type === 'data') recovered = { ...recovered, dataHash: entry.hash };
    if (entry.type === 'generation') recovered = { ...recovered, generation: entry.generation };
    if (entry.type === 'checkpoint') recovered = { ...recovered, checkpointStep: entry.step };
  }
  return recovered;
}

/** One event in, the next state and what to do out. `now` in milliseconds, on a clock that never goes back. */
export function advanceCoordinator(
  state: CoordinatorState,
  event: CoordinatorEvent,
  now: number,
): { readonly state: CoordinatorState; readonly effects: readonly CoordinatorEffect[] } {
  const turn: Turn = { state, effects: [], now };
  if (state.phase === 'done') afterwards(turn, event);
  else handle(turn, event);
  return { state: turn.state, effects: turn.effects };
}

function afterwards(turn: Turn, event: CoordinatorEvent) {
  if (event.type === 'message' && event.message.type === 'hello') turnAway(turn, event.message);
}

function handle(turn: Turn, event: CoordinatorEvent) {
  switch (event.type) {
    case 'message':
      return hear(turn, event.worker, event.message);
    case 'disconnected':
      return lose(turn, event.worker, 'disconnected');
    case 'tick':
      return tick(turn);
    case 'interrupt':
      return interrupt(turn);
    case 'reweigh':
      return reweigh(turn, event.weights);
    case 'checkpointSaved':
      return checkpointSaved(turn, event.step);
    case 'failed':
      return fail(turn, event.error);
    default:
      event satisfies never;
  }
}

function hear(turn: Turn, worker: string, message: WorkerMessage) {
  if (message.type === 'hello') {
    if (message.worker === worker) return welcome(turn, message);
    return refuse(
      turn,
      worker,
      'protocol',
      `says hello as ${message.worker} over the connection of ${worker}`,
    );
  }
  if (message.type === 'leave') return lose(turn, worker, 'left');
  if (!turn.state.workers.has(worker)) {
    const code = 'unknown';
    return send(turn, worker, {
      type: 'refused',
      code,
      message: 'not a worker of this run; say hello first',
    });
  }
  updateWorker(turn, worker, { lastHeardMs: turn.now });
  switch (message.type) {
    case 'loaded':
      return loaded(turn, worker, message.dataHash);
    case 'ready':
      return parked(turn, worker, message.generation, message.step);
    case 'committed':
      return committed(turn, worker, message);
    case 'evaluated':
      return evaluated(turn, message);
    case 'finished':
      return finished(turn, worker, message);
    case 'lost':
      return linkLost(turn, worker, message.generation, message.peer);
    case 'checkpoint':
      return checkpointCame(turn, worker, message.step);
    case 'failed':
      return fail(turn, message.error);
    case 'nonFinite':
      return nonFiniteFound(turn, worker, message);
    case 'searched':
      return searched(turn, worker, message);
    case 'heartbeat':
      return;
    default:
      message satisfies never;
  }
}

function parked(turn: Turn, worker: string, generation: number, step: number) {
  const { phase, workers } = turn.state;
  if (phase !== 'preparing' || generation !== turn.state.generation) return;
  if (workers.get(worker)?.status !== 'asked') return;
  updateWorker(turn, worker, { status: 'ready', step });
  continuePreparing(turn);
}

function tick(turn: Turn) {
  const { lastTickMs, lastHeartbeatMs, config } = turn.state;
  const { now } = turn;
  update(turn, { lastTickMs: now });
  // A coordinator that was itself held up cannot tell who was silent: messages wait unread.
  if (now - lastTickMs > config.heartbeatMs) forgiveSilence(turn);
  for (const [worker, { lastHeardMs }] of turn.state.workers) {
    if (now - lastHeardMs > config.livenessMs) lose(turn, worker, 'silent');
  }
  if (now - lastHeartbeatMs < config.heartbeatMs || turn.state.phase === 'done') return;
  update(turn, { lastHeartbeatMs: now });
  for (const worker of turn.state.workers.keys()) {
    send(turn, worker, { type: 'heartbeat', step: turn.state.progressStep });
  }
}

function forgiveSilence(turn: Turn) {
  for (const worker of turn.state.workers.keys()) updateWorker(turn, worker, { lastHeardMs: turn.now });
}

function interrupt(turn: Turn) {
  const { interrupted, phase, nonFinite } = turn.state;
  const brokenOff = 'the operation was not looked for to the end: the run was interrupted';
  if (nonFinite !== null && (interrupted || phase === 'searching')) return stopNonFinite(turn, brokenOff);
  if (interrupted) return stopInterrupted(turn);
  update(turn, { interrupted: true });
  log(turn, { type: 'interrupting' });
  switch (turn.state.phase) {
    case 'gathering':
      return stopInterrupted(turn);
    case 'running':
      return startGeneration(turn);
    case 'preparing':
      return continuePreparing(turn);
    case 'saving':
    case 'searching':
    case 'done':
      return;
    default:
      turn.state.phase satisfies never;
  }
}
