/** One call of the machine: its current state and its effects so far. It does not outlive the call. */

import type { CoordinatorMessage, Hello, RefusalCode } from '../messages/messages.ts';
import type { CoordinatorEffect, CoordinatorState, JournalEntry, RunEvent, WorkerRecord } from './state.ts';

export interface Turn {
  state: CoordinatorState;
  readonly effects: CoordinatorEffect[];
  readonly now: number;
}

export function update(turn: Turn, changes: Partial<CoordinatorState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function updateWorker(turn: Turn, worker: string, changes: Partial<WorkerRecord>): void {
  const record = turn.state.workers.get(worker);
  if (record === undefined) return;
  update(turn, { workers: new Map(turn.state.workers).set(worker, { ...record, ...changes }) });
}

export function forget(turn: Turn, worker: string): void {
  const workers = new Map(turn.state.workers);
  workers.delete(worker);
  update(turn, { workers });
  stopAwaiting(turn, worker);
}

/** This worker has returned, or will not return. */
export function stopAwaiting(turn: Turn, worker: string): void {
  const { awaited } = turn.state;
  if (awaited.has(worker)) update(turn, { awaited: new Set([...awaited].filter((one) => one !== worker)) });
}

export function send(turn: Turn, worker: string, message: CoordinatorMessage): void {
  const { pooled, run } = turn.state.config;
  turn.effects.push({ type: 'send', worker, message: pooled ? { ...message, run } : message });
}

export function journal(turn: Turn, entry: JournalEntry): void {
  turn.effects.push({ type: 'journal', entry });
}

export function log(turn: Turn, event: RunEvent): void {
  turn.effects.push({ type: 'event', event });
}

/** `ranMs`: that of the coordinator. */
export function newcomer(hello: Hello, ranMs: number): WorkerRecord {
  const { threads: weight } = hello;
  const times = { lastHeardMs: ranMs, welcomedMs: ranMs };
  return { hello, status: 'loading', step: -1, weight, ...times, isProven: false, finish: null };
}

/** Refuses a worker, whether it is known or not. */
export function refuse(turn: Turn, worker: string, code: RefusalCode, message: string): void {
  forget(turn, worker);
  send(turn, worker, { type: 'refused', code, message });
  log(turn, { type: 'refused', worker, code, message });
}

/** The workers that have loaded the experiment, in the order of ranks. */
export function loadedWorkers(state: CoordinatorState): readonly string[] {
  return [...state.workers].filter(([, record]) => record.status !== 'loading').map(([worker]) => worker);
}

/** The workers of the next generation: a later worker never displaces an earlier one. */
export function candidates(state: CoordinatorState): readonly string[] {
  return loadedWorkers(state).slice(0, state.config.numShards);
}
