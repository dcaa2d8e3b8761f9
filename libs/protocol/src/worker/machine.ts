/**
 * A worker's main thread as a pure machine: it says hello, loads the experiment, and computes the steps of one generation
 * after the other. The shell in `apps/worker` owns sockets, threads and clock, and carries out the effects in order.
 */

import type { WireError } from '@lockstep/errors';
import { MAX_TEXT_LENGTH, MAX_TICK_MS } from '../constants.ts';
import type { CoordinatorMessage } from '../messages/messages.ts';
import { exitOrRelease, noRun, refused, release, released } from './runs.ts';
import type { ProgramOutline, WorkerConfig, WorkerEffect, WorkerEvent, WorkerState } from './state.ts';
import {
  enterGeneration,
  evaluationDone,
  exchangeDone,
  finishDone,
  nonFinite,
  park,
  search,
  searched,
  segmentDone,
  stateReady,
  updateDone,
} from './steps.ts';
import { dropReportsBefore, exit, greet, send, type Turn, update } from './turn.ts';

type Message<Type extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: Type }>;

interface Advance {
  readonly state: WorkerState;
  readonly effects: readonly WorkerEffect[];
}

/** Creates a worker. Its first effect is the hello. */
export function createWorker(config: WorkerConfig, now: number): Advance {
  const state: WorkerState = {
    ...noRun,
    config,
    phase: 'greeting',
    pooled: false,
    heartbeatMs: config.helloRetryMs,
    lastSentMs: now,
    ranMs: 0,
    lastTickMs: now,
    lastHeardMs: 0,
  };
  return { state, effects: [{ type: 'send', message: config.hello }] };
}

/** Handles one event: returns the next state and the effects. `now`: milliseconds on a clock that never goes back. */
export function advanceWorker(state: WorkerState, event: WorkerEvent, now: number): Advance {
  const turn: Turn = { state, effects: [], now };
  if (state.phase !== 'stopped') handle(turn, event);
  return { state: turn.state, effects: turn.effects };
}

function handle(turn: Turn, event: WorkerEvent) {
  if (event.type === 'message' || event.type === 'heard') update(turn, { lastHeardMs: turn.state.ranMs });
  if (event.type === 'tick') return tick(turn);
  if (event.type === 'leave') return leave(turn);
  if (event.type === 'released') return released(turn);
  // What the job of a run that is being left still raises is of no use, and what the coordinator asks for is late.
  if (turn.state.phase !== 'releasing') work(turn, event);
}

function work(turn: Turn, event: Exclude<WorkerEvent, { type: 'tick' | 'leave' | 'released' }>) {
  switch (event.type) {
    case 'message':
      return hear(turn, event.message);
    case 'heard':
      return;
    case 'reconnected':
      return reconnected(turn);
    case 'loaded':
      return loaded(turn, event.program);
    case 'stateReady':
      return stateReady(turn, event);
    case 'segmentDone':
      return segmentDone(turn);
    case 'exchangeDone':
      return exchangeDone(turn, event);
    case 'updateDone':
      return updateDone(turn, event);
    case 'evaluationDone':
      return evaluationDone(turn, event);
    case 'finishDone':
      return finishDone(turn, event);
    case 'nonFinite':
      return nonFinite(turn, event);
    case 'searched':
      return searched(turn, event);
    case 'peerLost':
      return peerLost(turn, event.generation, event.peer);
    case 'failed':
      return failed(turn, event.error);
    default:
      event satisfies never;
  }
}

function leave(turn: Turn): void {
  send(turn, { type: 'leave' });
  exit(turn, 'left');
}

function hear(turn: Turn, message: CoordinatorMessage) {
  const { run } = message;
  if (message.type !== 'welcome' && run !== undefined && run !== turn.state.run) return;
  switch (message.type) {
    case 'welcome':
      return welcomed(turn, message);
    case 'refused':
      return message.code === 'unknown' ? forgotten(turn) : refused(turn, message);
    case 'prepare':
      return prepare(turn, message);
    case 'begin':
      return beginGeneration(turn, message);
    case 'restore':
      return restore(turn, message);
    case 'save':
      return save(turn);
    case 'search':
      return search(turn, message.step);
    case 'release':
      return release(turn);
    case 'stop':
      return exitOrRelease(turn, message.reason, message.message);
    case 'heartbeat':
      return dropReportsBefore(turn, message.step);
    default:
      message satisfies never;
  }
}

/**
 * The first welcome loads the experiment. A later one comes from a coordinator that had forgotten this worker, or from a
 * restarted one, which may answer a repeated hello after its predecessor answered the first.
 */
function welcomed(turn: Turn, message: Message<'welcome'>) {
  const { phase, run, program, loadError } = turn.state;
  const isAwaited = phase === 'greeting' || message.incarnation > turn.state.incarnation;
  if (!isAwaited) return;
  if (run !== null && run !== message.run) {
    // A pool that takes this worker for a free one will hear that it is not.
    if (message.pooled) return;
    return exit(turn, 'coordinatorLost', `the coordinator now serves run ${message.run} instead of ${run}`);
  }
  const { incarnation, heartbeatMs, pooled = false } = message;
  update(turn, {
    run: message.run,
    pooled,
    incarnation,
    heartbeatMs,
    prepared: 0,
    owesReady: false,
    phase: 'loading',
  });
  park(turn);
  if (run === null) turn.effects.push({ type: 'load', config: message.config });
  dropReportsBefore(turn, message.step);
  for (const report of turn.state.reports) send(turn, report);
  if (program !== null) join(turn, program);
  if (loadError !== null) send(turn, { type: 'failed', error: loadError });
}

function loaded(turn: Turn, program: ProgramOutline): void {
  const { phase } = turn.state;
  update(turn, { program });
  if (phase === 'loading') join(turn, program);
}

function join(turn: Turn, { dataHash, programs }: ProgramOutline): void {
  update(turn, { phase: 'joined' });
  send(turn, {
    type: 'loaded',
    ...(dataHash === undefined ? {} : { dataHash }),
    ...(programs === undefined ? {} : { programs }),
  });
}

/** The coordinator does not know this worker. */
function forgotten(turn: Turn) {
  // A hello was sent already.
  if (turn.state.phase !== 'greeting') greetAgain(turn);
}

/**
 * A coordinator that saw the old connection end has forgotten this worker. One that did not would wait forever for an
 * answer that was lost. While the worker loads, the coordinator asks nothing of it and answers its next message.
 */
function reconnected(turn: Turn) {
  if (turn.state.phase === 'joined') greetAgain(turn);
}

function greetAgain(turn: Turn): void {
  update(turn, { phase: 'greeting', owesReady: false });
  park(turn);
  greet(turn);
}

function prepare(turn: Turn, { generation, careful }: Message<'prepare'>): void {
  if (turn.state.phase !== 'joined' || generation <= turn.state.prepared) return;
  update(turn, { prepared: generation, isCareful: careful ?? false, owesReady: true });
  park(turn);
}

function beginGeneration(turn: Turn, message: Message<'begin'>): void {
  const { phase, prepared, owesReady, membership, config, incarnation } = turn.state;
  const { generation, members, step, source, profile, careful = false } = message;
  const isAgreed = phase === 'joined' && generation === prepared && !owesReady && membership === null;
  const self = members.find(({ worker }) => worker === config.hello.worker);
  if (!isAgreed || self === undefined) return;
  const { rank } = self;
  const entered = { generation, members, rank, step, source, careful };
  update(turn, { membership: entered });
  turn.effects.push({ type: 'connect', incarnation, generation, profile, rank, members });
  enterGeneration(turn, entered);
}

function restore(turn: Turn, { generation, step, header }: Message<'restore'>): void {
  const { activity } = turn.state;
  if (activity.kind !== 'acquire' || activity.source !== 'checkpoint') return;
  if (activity.generation !== generation || activity.step !== step) return;
  turn.effects.push({ type: 'restore', generation, step, header });
}

/** Saves only while the worker is parked: at any other time an update may be overwriting its state. */
function save(turn: Turn): void {
  const { activity, step } = turn.state;
  if (activity.kind === 'idle') turn.effects.push({ type: 'checkpoint', step });
}

/**
 * The failed job has ended. If the coordinator does not know this worker at the moment, a later generation fails again. After
 * an incomplete update, the worker holds no valid state.
 */
function failed(turn: Turn, error: WireError) {
  const { activity, step, program } = turn.state;
  const short = shortened(error);
  send(turn, { type: 'failed', error: short });
  if (program === null) update(turn, { loadError: short });
  update(turn, { activity: { kind: 'idle' }, step: activity.kind === 'update' ? -1 : step });
  park(turn);
}

/** The coordinator drops messages that are too long, and an error of the user's code may have any length. */
function shortened(error: WireError): WireError {
  const short = { ...error, message: error.message.slice(0, MAX_TEXT_LENGTH) };
  return short.stack === undefined ? short : { ...short, stack: short.stack.slice(0, MAX_TEXT_LENGTH) };
}

function peerLost(turn: Turn, generation: number, peer: string) {
  if (turn.state.membership?.generation === generation) send(turn, { type: 'lost', generation, peer });
}

function tick(turn: Turn) {
  const { phase, lastTickMs, lastHeardMs, lastSentMs, heartbeatMs, config } = turn.state;
  // A worker that was suspended received nothing meanwhile, because messages wait unread.
  const ranMs = turn.state.ranMs + Math.min(turn.now - lastTickMs, MAX_TICK_MS);
  update(turn, { lastTickMs: turn.now, ranMs });
  const silentMs = ranMs - lastHeardMs;
  if (silentMs > config.coordinatorTimeoutMs) {
    return exit(turn, 'coordinatorLost', `the coordinator has been silent for ${silentMs} ms`);
  }
  const isGreeting = phase === 'greeting';
  if (turn.now - lastSentMs < (isGreeting ? config.helloRetryMs : heartbeatMs)) return;
  if (isGreeting) greet(turn);
  else send(turn, { type: 'heartbeat' });
}
