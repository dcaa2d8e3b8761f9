/**
 * The coordinator as a pure machine: it gathers workers, agrees with them on one generation after the other, and receives
 * their commits. The shell in `apps/coordinator` owns sockets, clock and disk, and carries out the effects in order.
 */

import { MAX_TICK_MS } from '../constants.ts';
import type { WorkerMessage } from '../messages/messages.ts';
import { judge } from './comparison.ts';
import { fail, stopInterrupted, stopLatecomer, stopNonFinite } from './ending.ts';
import { enforceTimeouts, shellFailed, workerFailed } from './failures.ts';
import { continuePreparing, linkLost, lose, reweigh, startGeneration } from './generations.ts';
import { loaded, welcome } from './joining.ts';
import { nonFiniteFound } from './non-finite.ts';
import {
  checkpointFailed,
  checkpointLost,
  checkpointReceived,
  checkpointSaved,
  committed,
  evaluated,
  finished,
  storeAgreed,
} from './reports.ts';
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
import { absent, beginIfGathered, expectWorkers, hasReturned, stopAwaitingAll } from './waiting.ts';

const nothing: Recovered = {
  generation: 0,
  profile: null,
  dataHash: null,
  programs: null,
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
    hashes: [],
    blames: {},
    saver: null,
    storing: -1,
    held: [],
    began: initial.checkpointStep,
    awaited: new Set(config.awaited),
    awaitUntilMs: config.awaitMs ?? 0,
    failing: null,
    stopReason: null,
    ranMs: 0,
    lastTickMs: now,
    lastHeartbeatMs: now,
  };
}

/** The state that the next incarnation recovers from a journal. `reported` is read from the run's metrics. */
export function recover(
  entries: readonly JournalEntry[],
  reported: Pick<Recovered, 'progressStep' | 'evaluatedStep' | 'finalEvaluated'>,
): Recovered {
  const { progressStep, evaluatedStep, finalEvaluated } = reported;
  let recovered: Recovered = { ...nothing, progressStep, evaluatedStep, finalEvaluated };
  for (const entry of entries) {
    if (entry.type === 'profile') recovered = { ...recovered, profile: entry.profile };
    if (entry.type === 'data') recovered = { ...recovered, dataHash: entry.hash };
    if (entry.type === 'programs') {
      const { build, hashes } = entry;
      recovered = { ...recovered, programs: { build, hashes } };
    }
    if (entry.type === 'lengthChanged' && recovered.programs !== null) {
      recovered = { ...recovered, programs: { ...recovered.programs, isUpdateOpen: true } };
    }
    if (entry.type === 'generation') recovered = { ...recovered, generation: entry.generation };
    if (entry.type === 'checkpoint') recovered = { ...recovered, checkpointStep: entry.step };
  }
  return recovered;
}

/** Handles one event: returns the next state and the effects. `now`: milliseconds on a clock that never goes back. */
export function advanceCoordinator(
  state: CoordinatorState,
  event: CoordinatorEvent,
  now: number,
): { readonly state: CoordinatorState; readonly effects: readonly CoordinatorEffect[] } {
  const turn: Turn = { state, effects: [], now };
  if (state.phase === 'done') afterwards(turn, event);
  else {
    handle(turn, event);
    if (turn.state.phase !== 'done' && !judge(turn)) storeAgreed(turn);
  }
  return { state: turn.state, effects: turn.effects };
}

function afterwards(turn: Turn, event: CoordinatorEvent) {
  if (event.type === 'message' && event.message.type === 'hello') stopLatecomer(turn, event.message);
}

function handle(turn: Turn, event: CoordinatorEvent) {
  switch (event.type) {
    case 'message':
      return hear(turn, event.worker, event.message);
    case 'disconnected':
      return lose(turn, event.worker, 'disconnected');
    case 'heard':
      return updateWorker(turn, event.worker, { lastHeardMs: turn.state.ranMs });
    case 'tick':
      return tick(turn);
    case 'interrupt':
      return interrupt(turn);
    case 'reweigh':
      return reweigh(turn, event.weights);
    case 'checkpointSaved':
      return checkpointSaved(turn, event);
    case 'checkpointFailed':
      return checkpointFailed(turn, event.step, event.error);
    case 'checkpointLost':
      return checkpointLost(turn, event.step, event.newest);
    case 'expect':
      return expectWorkers(turn, event.workers);
    case 'absent':
      return absent(turn, event.worker);
    case 'failed':
      return shellFailed(turn, event.error);
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
  updateWorker(turn, worker, { lastHeardMs: turn.state.ranMs });
  switch (message.type) {
    case 'loaded':
      return loaded(turn, worker, message);
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
      return checkpointReceived(turn, worker, message.step);
    case 'failed':
      return workerFailed(turn, worker, message.error);
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
  // Before the next generation begins: it makes members of workers that did not compute the step.
  if (judge(turn)) return;
  storeAgreed(turn);
  continuePreparing(turn);
}

function tick(turn: Turn) {
  const { lastTickMs, lastHeartbeatMs, config } = turn.state;
  const { now } = turn;
  // A coordinator that was suspended cannot tell who was silent, because messages wait unread.
  const ranMs = turn.state.ranMs + Math.min(now - lastTickMs, MAX_TICK_MS);
  update(turn, { lastTickMs: now, ranMs });
  for (const [worker, { lastHeardMs }] of turn.state.workers) {
    if (ranMs - lastHeardMs > config.livenessMs) lose(turn, worker, 'silent');
  }
  if (ranMs >= turn.state.awaitUntilMs) stopAwaitingAll(turn);
  // An awaited worker may have been refused meanwhile.
  beginIfGathered(turn);
  enforceTimeouts(turn);
  if (now - lastHeartbeatMs < config.heartbeatMs || turn.state.phase === 'done') return;
  update(turn, { lastHeartbeatMs: now });
  for (const worker of turn.state.workers.keys()) {
    send(turn, worker, { type: 'heartbeat', step: turn.state.progressStep });
  }
}

function interrupt(turn: Turn) {
  const { interrupted, failing, phase, nonFinite } = turn.state;
  if (failing !== null) return fail(turn, failing.error);
  const cutShort = 'the operation is not known: the run was interrupted during the search';
  if (nonFinite !== null && (interrupted || phase === 'searching')) return stopNonFinite(turn, cutShort);
  if (interrupted) return stopInterrupted(turn);
  update(turn, { interrupted: true });
  log(turn, { type: 'interrupting' });
  switch (turn.state.phase) {
    case 'gathering':
      // Workers that have returned may hold a newer state than any checkpoint.
      return hasReturned(turn.state) ? startGeneration(turn) : stopInterrupted(turn);
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
