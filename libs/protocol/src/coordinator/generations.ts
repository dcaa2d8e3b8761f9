/** Agreement on a generation, and the consequences of a lost worker. */

import { invariant } from '@lockstep/errors';
import { MAX_BLAMES } from '../constants.ts';
import type { Member, NonFiniteFound, Source } from '../messages/messages.ts';
import { assignShards } from '../shards.ts';
import { judge } from './comparison.ts';
import { finish, stopSaved } from './ending.ts';
import { holderOf, search } from './searching.ts';
import type { CoordinatorState, Finish, LossReason, WorkerRecord } from './state.ts';
import { candidates, forget, journal, log, refuse, send, type Turn, update, updateWorker } from './turn.ts';

/** Announces the next generation: all candidates must stop and report the state that they hold. */
export function startGeneration(turn: Turn): void {
  update(turn, { phase: 'preparing', generation: turn.state.generation + 1 });
  for (const [worker, { status }] of turn.state.workers) {
    if (status !== 'loading') updateWorker(turn, worker, { status: 'idle', finish: null });
  }
  continuePreparing(turn);
}

/**
 * Asks candidates that were not asked yet, and continues when all are parked. It is called again whenever the candidates
 * change: parked workers stay parked for the same generation, because none of them was told its members.
 */
export function continuePreparing(turn: Turn) {
  const { generation, interrupted, failing, nonFinite, careful } = turn.state;
  const isEnding = interrupted || failing !== null;
  const chosen = candidates(turn.state);
  if (chosen.length === 0) return isEnding ? stopSaved(turn) : waitForWorkers(turn);
  for (const worker of chosen) {
    if (turn.state.workers.get(worker)?.status !== 'idle') continue;
    updateWorker(turn, worker, { status: 'asked' });
    send(turn, worker, { type: 'prepare', generation, ...(careful && { careful }) });
  }
  if (chosen.some((worker) => turn.state.workers.get(worker)?.status !== 'ready')) return;
  // An error ends the run regardless of a finding.
  if (nonFinite !== null && failing === null) endNonFinite(turn, nonFinite);
  else if (isEnding) save(turn);
  else begin(turn, chosen);
}

function waitForWorkers(turn: Turn): void {
  update(turn, { phase: 'gathering', needed: 1 });
  log(turn, { type: 'waiting' });
}

function begin(turn: Turn, chosen: readonly string[]) {
  const { generation, profile, careful } = turn.state;
  invariant(profile !== null, 'a generation begins before a profile was chosen', { generation });
  const { step, source } = newestState(turn.state, chosen);
  const members = membersOf(turn.state, chosen);
  journal(turn, { type: 'generation', generation, step, source, members });
  log(turn, { type: 'generation', generation, step, source, workers: chosen, profile });
  update(turn, { phase: 'running', began: step });
  for (const worker of chosen) {
    updateWorker(turn, worker, { status: 'member' });
    const agreed = { generation, profile, members, step, source, ...(careful && { careful }) };
    send(turn, worker, { type: 'begin', ...agreed });
    if (source === 'checkpoint') turn.effects.push({ type: 'sendCheckpoint', worker, generation, step });
  }
}

function membersOf({ workers, config }: CoordinatorState, chosen: readonly string[]): readonly Member[] {
  const records = chosen.map((worker) => workers.get(worker)!);
  const ranges = assignShards(
    config.numShards,
    records.map(({ weight }) => weight),
  );
  return records.map(({ hello: { worker, endpoint } }, rank) => ({
    worker,
    rank,
    endpoint,
    shards: ranges[rank]!,
  }));
}

/** The newest state: a member's, else the checkpoint's, else the initial one. */
function newestState(
  { workers, checkpointStep }: CoordinatorState,
  chosen: readonly string[],
): { readonly step: number; readonly source: Source } {
  const steps = chosen.map((worker) => workers.get(worker)!.step);
  const step = Math.max(checkpointStep, ...steps);
  if (step < 0) return { step: 0, source: 'init' };
  const holder = chosen[steps.indexOf(step)];
  return { step, source: holder === undefined ? 'checkpoint' : { worker: holder } };
}

/** Before the run ends, saves the newest state unless it is saved already. */
export function save(turn: Turn) {
  const parked = candidates(turn.state).filter(
    (worker) => turn.state.workers.get(worker)?.status === 'ready',
  );
  const { step, source } = newestState(turn.state, parked);
  if (typeof source === 'string' || step <= turn.state.checkpointStep) return stopSaved(turn);
  update(turn, { phase: 'saving', saver: source.worker });
  send(turn, source.worker, { type: 'save' });
}

/** All members are parked. If none holds the state before the step any more, the run computes it again and finds the step again. */
function endNonFinite(turn: Turn, { step, cause }: NonFiniteFound) {
  const holder = holderOf(turn, step - 1);
  if (holder === undefined) {
    update(turn, { nonFinite: null, careful: turn.state.careful || cause === 'update', saver: null });
    return startGeneration(turn);
  }
  if (turn.state.checkpointStep >= step - 1) return search(turn);
  update(turn, { phase: 'saving', saver: holder });
  send(turn, holder, { type: 'save' });
}

function saveAgain(turn: Turn) {
  const { nonFinite, failing } = turn.state;
  if (nonFinite === null || failing !== null) save(turn);
  else endNonFinite(turn, nonFinite);
}

/** Removes a worker. If it still lives, it may say hello again. */
export function lose(turn: Turn, worker: string, reason: LossReason) {
  const record = turn.state.workers.get(worker);
  if (record === undefined) return;
  forget(turn, worker);
  log(turn, { type: 'lost', worker, reason });
  continueWithout(turn, worker, record);
}

/** Continues with the other workers after one was removed. */
export function continueWithout(turn: Turn, worker: string, record: WorkerRecord) {
  switch (turn.state.phase) {
    case 'running':
      if (record.status === 'member') loseMember(turn);
      return;
    case 'preparing':
      return continuePreparing(turn);
    case 'saving':
      return turn.state.saver === worker ? saveAgain(turn) : undefined;
    case 'searching':
      return turn.state.saver === worker ? search(turn) : undefined;
    case 'gathering':
    case 'done':
      return;
    default:
      turn.state.phase satisfies never;
  }
}

function loseMember(turn: Turn): void {
  // If all remaining members have finished, nothing must be computed again.
  if (!finishIfAll(turn)) startGeneration(turn);
}

/**
 * Ends the run if every member has finished, none differs from the others, and the last checkpoint is durable. True: nothing is
 * left to compute.
 */
export function finishIfAll(turn: Turn): boolean {
  const members = [...turn.state.workers.values()].filter(({ status }) => status === 'member');
  const finishes = members.map((member) => member.finish).filter((one): one is Finish => one !== null);
  const [first] = finishes;
  if (first === undefined || finishes.length < members.length) return false;
  if (judge(turn)) return true;
  if (turn.state.storing > turn.state.checkpointStep) return true;
  finish(turn, first);
  return true;
}

/** A member lost its data link to a peer. Both may live, so the same members meet again, a limited number of times. */
export function linkLost(turn: Turn, worker: string, generation: number, peer: string) {
  const { phase, blames, workers } = turn.state;
  if (phase !== 'running' || generation !== turn.state.generation) return;
  if (workers.get(peer)?.status !== 'member') return;
  log(turn, { type: 'linkLost', worker, peer });
  const times = (blames[peer] ?? 0) + 1;
  update(turn, { blames: { ...blames, [peer]: times } });
  if (times >= MAX_BLAMES) {
    const { endpoint } = workers.get(peer)!.hello;
    log(turn, { type: 'lost', worker: peer, reason: 'unreachable' });
    refuse(
      turn,
      peer,
      'unreachable',
      `peers could not reach ${endpoint} ${times} times; check the address and firewall of its data plane`,
    );
  }
  startGeneration(turn);
}

/** A worker has finished loading. A running run makes it a member if there is a shard for it; otherwise it stands by. */
export function admit(turn: Turn, worker: string) {
  const standby = !candidates(turn.state).includes(worker);
  log(turn, { type: 'loaded', worker, standby });
  if (turn.state.phase === 'preparing') return continuePreparing(turn);
  if (turn.state.phase === 'running' && !standby && !turn.state.interrupted) startGeneration(turn);
}

/** Starts a generation if the new weights move a shard; otherwise it would only cost time. */
export function reweigh(turn: Turn, weights: Readonly<Record<string, number>>): void {
  const chosen = candidates(turn.state);
  const before = membersOf(turn.state, chosen);
  for (const [worker, weight] of Object.entries(weights)) updateWorker(turn, worker, { weight });
  const after = membersOf(turn.state, chosen);
  const isMoved = after.some(({ shards }, rank) => shards.count !== before[rank]!.shards.count);
  if (isMoved && turn.state.phase === 'running') startGeneration(turn);
}
