/**
 * The order of work in one generation: take the agreed state; then in each step segments and exchanges, the update, the
 * commit, and what the plan adds. There is one activity at a time, and every job that ends calls `next`.
 */

import { invariant } from '@lockstep/errors';
import { MAX_TEXT_LENGTH } from '../constants.ts';
import type { Activity, Membership, ProgramOutline, WorkerEvent } from './state.ts';
import { begin, send, sendReport, type Turn, update } from './turn.ts';

type Event<Type extends WorkerEvent['type']> = Extract<WorkerEvent, { type: Type }>;

const idle: Activity = { kind: 'idle' };

/** Continues with `work`. If a `prepare` has ended the generation meanwhile, answers it instead. */
function next(turn: Turn, work: (membership: Membership, program: ProgramOutline) => void) {
  update(turn, { activity: idle });
  const { membership, program, owesReady, prepared, isCareful, tested } = turn.state;
  if (owesReady) {
    // If some state is not finite, a state that was not checked does not count, and no peer may get it.
    const step = isCareful && !tested ? -1 : turn.state.step;
    update(turn, { owesReady: false, step });
    send(turn, { type: 'ready', generation: prepared, step });
  } else if (membership !== null && program !== null) {
    work(membership, program);
  }
}

/** Parks at the next safe point. A job of the compute threads ends first, without waiting for peers; anything else is dropped. */
export function park(turn: Turn) {
  const { activity, membership } = turn.state;
  update(turn, { membership: null });
  switch (activity.kind) {
    case 'segment':
      // In a direct step, compute threads may be waiting for a lost peer.
      if (membership !== null) turn.effects.push({ type: 'abort', generation: membership.generation });
      return;
    case 'update':
    case 'evaluate':
    case 'finish':
    case 'search':
      return;
    case 'acquire':
      if (activity.source === 'init') return;
      break;
    case 'exchange':
    case 'exchangeEvaluation':
    case 'idle':
      break;
    default:
      activity satisfies never;
  }
  if (activity.kind !== 'idle' && membership !== null) {
    turn.effects.push({ type: 'abort', generation: membership.generation });
  }
  next(turn, () => undefined);
}

/** Takes the agreed state unless this worker holds it, then continues after it. */
export function enterGeneration(turn: Turn, membership: Membership) {
  const { generation, step, source } = membership;
  const acquire: Activity = { kind: 'acquire', generation, step, source };
  if (source === 'checkpoint') return update(turn, { activity: acquire });
  if (turn.state.step === step) {
    const serves = source !== 'init' && source.worker === turn.state.config.hello.worker;
    if (serves) turn.effects.push({ type: 'serveSnapshot', generation, step });
    return afterCommit(turn);
  }
  if (source === 'init') return begin(turn, acquire, { type: 'initialise', generation });
  begin(turn, acquire, { type: 'fetchSnapshot', generation, step, from: source.worker });
}

export function stateReady(turn: Turn, { generation, step }: Event<'stateReady'>): void {
  const { activity } = turn.state;
  if (activity.kind !== 'acquire' || activity.generation !== generation || activity.step !== step) return;
  commit(turn, step);
  // In a careful generation, the source has checked this state.
  update(turn, { tested: turn.state.membership?.careful ?? false });
  afterCommit(turn);
}

function commit(turn: Turn, step: number): void {
  turn.effects.push({ type: 'commit', step });
  update(turn, { step });
}

/** Evaluates if the plan says so: after the commit, and again when a generation begins at this step. */
function afterCommit(turn: Turn): void {
  next(turn, (_group, { plan }) => {
    if (plan(turn.state.step).evaluate) runEvaluation(turn, false);
    else afterEvaluation(turn, false);
  });
}

function runEvaluation(turn: Turn, final: boolean): void {
  const { step } = turn.state;
  begin(turn, { kind: 'evaluate', final }, { type: 'runEvaluation', step, final });
}

/** `stop`: the evaluation ends the run early. */
function afterEvaluation(turn: Turn, stop: boolean): void {
  next(turn, (membership, { plan, finalEvaluation, finalCheckpoint = true }) => {
    const { step } = turn.state;
    const { checkpoint, last } = plan(step);
    const isStored = membership.source === 'checkpoint' && membership.step === step;
    const isEnd = last || stop;
    const isWanted = (checkpoint || stop) && (finalCheckpoint || !isEnd);
    if (isWanted && membership.rank === 0 && !isStored) turn.effects.push({ type: 'checkpoint', step });
    if (!isEnd) runSegment(turn, step + 1, 0);
    else if (finalEvaluation) runEvaluation(turn, true);
    else finish(turn);
  });
}

function finish(turn: Turn): void {
  begin(turn, { kind: 'finish' }, { type: 'finish', step: turn.state.step });
}

export function finishDone(turn: Turn, { fingerprint, result }: Event<'finishDone'>): void {
  expectActivity(turn, 'finish');
  next(turn, ({ generation }) => {
    send(turn, { type: 'finished', generation, step: turn.state.step, fingerprint, result });
  });
}

function runSegment(turn: Turn, step: number, segment: number): void {
  begin(turn, { kind: 'segment', step, segment }, { type: 'runSegment', step, segment });
}

export function segmentDone(turn: Turn) {
  const { activity } = turn.state;
  if (activity.kind === 'evaluate') return next(turn, exchangeEvaluation(turn, activity.final));
  const { step, segment } = expectActivity(turn, 'segment');
  next(turn, ({ generation }) => {
    const exchange = segment;
    begin(turn, { kind: 'exchange', step, exchange }, { type: 'exchange', generation, step, exchange });
  });
}

/** The exchanges of evaluations are numbered after the training exchanges of their step, so that frame ids are unique. */
function exchangeEvaluation(turn: Turn, final: boolean) {
  return ({ generation }: Membership, { numSegments }: ProgramOutline): void => {
    const { step } = turn.state;
    const exchange = numSegments + (final ? 1 : 0);
    const activity = { kind: 'exchangeEvaluation', final } as const;
    begin(turn, activity, { type: 'exchangeEvaluation', generation, step, exchange, final });
  };
}

export function exchangeDone(turn: Turn, { generation, step, exchange }: Event<'exchangeDone'>): void {
  const { activity, membership } = turn.state;
  const isCurrent = activity.kind === 'exchange' && membership?.generation === generation;
  if (!isCurrent || activity.step !== step || activity.exchange !== exchange) return;
  next(turn, ({ careful }, { numSegments, plan }) => {
    if (exchange + 1 < numSegments) return runSegment(turn, step, exchange + 1);
    const { fingerprint = false, stateHash = false } = plan(step);
    const activity = { kind: 'update', generation, step, careful } as const;
    begin(turn, activity, { type: 'runUpdate', step, fingerprint, stateHash, ...(careful && { careful }) });
  });
}

/**
 * An update that has begun counts even if its generation has ended meanwhile: its sums came from all members, and the state
 * before it is overwritten.
 */
export function updateDone(turn: Turn, { type: _, ...done }: Event<'updateDone'>): void {
  const { generation, step, careful } = expectActivity(turn, 'update');
  commit(turn, step);
  update(turn, { tested: turn.state.tested && careful });
  sendReport(turn, { type: 'committed', generation, step, ...done });
  afterCommit(turn);
}

export function evaluationDone(turn: Turn, event: Event<'evaluationDone'>): void {
  const { activity, membership, step, program } = turn.state;
  if (activity.kind !== 'exchangeEvaluation' || membership?.generation !== event.generation) return;
  const { final } = activity;
  const exchange = (program?.numSegments ?? 0) + (final ? 1 : 0);
  if (event.step !== step || event.exchange !== exchange) return;
  sendReport(turn, {
    type: 'evaluated',
    generation: membership.generation,
    step,
    final,
    report: event.report,
  });
  if (final) next(turn, () => finish(turn));
  else afterEvaluation(turn, event.stop);
}

/**
 * Reports what is not finite. Nothing follows in this generation: the coordinator decides how to continue. The event comes
 * instead of the end of an update or of the run, or instead of a checkpoint, which is no activity.
 */
export function nonFinite(turn: Turn, { found }: Event<'nonFinite'>): void {
  const { activity, membership, prepared, isCareful } = turn.state;
  const generation = activity.kind === 'update' ? activity.generation : membership?.generation;
  // A worker that is parked for a careful generation has dropped that state. For another generation it may have been asked to save it.
  if (generation !== undefined || !isCareful)
    send(turn, { type: 'nonFinite', generation: generation ?? prepared, found });
  if (activity.kind === 'update' || activity.kind === 'finish') next(turn, () => undefined);
}

/** Searches while the worker is parked with the state before the step. */
export function search(turn: Turn, step: number): void {
  const { activity } = turn.state;
  if (activity.kind === 'idle' && turn.state.step === step - 1)
    begin(turn, { kind: 'search', step }, { type: 'search', step });
}

export function searched(turn: Turn, { step, message }: Event<'searched'>): void {
  expectActivity(turn, 'search');
  send(turn, { type: 'searched', step, message: message.slice(0, MAX_TEXT_LENGTH) });
  next(turn, () => undefined);
}

/** Jobs of the compute threads run one at a time and are never dropped, so the end of another job is a bug of the shell. */
function expectActivity<Kind extends Activity['kind']>(
  turn: Turn,
  kind: Kind,
): Extract<Activity, { kind: Kind }> {
  const { activity } = turn.state;
  invariant(activity.kind === kind, `a ${kind} ended while the worker's activity is ${activity.kind}`, {
    activity,
  });
  return activity as Extract<Activity, { kind: Kind }>;
}
