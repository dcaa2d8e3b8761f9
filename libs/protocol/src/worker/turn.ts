/** One call of the machine: its current state and its effects so far. It does not outlive the call. */

import { MAX_KEPT_REPORTS } from '../constants.ts';
import type { WorkerMessage } from '../messages/messages.ts';
import type { Activity, Exit, KeptReport, WorkerEffect, WorkerState } from './state.ts';

export interface Turn {
  state: WorkerState;
  readonly effects: WorkerEffect[];
  readonly now: number;
}

export function update(turn: Turn, changes: Partial<WorkerState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function begin(turn: Turn, activity: Activity, effect: WorkerEffect): void {
  update(turn, { activity });
  turn.effects.push(effect);
}

export function send(turn: Turn, message: WorkerMessage): void {
  const { pooled, run } = turn.state;
  update(turn, { lastSentMs: turn.now });
  turn.effects.push({ type: 'send', message: pooled && run !== null ? { ...message, run } : message });
}

/** Names the run whose state this worker may hold: the coordinator may be one that serves many runs, or another one than before. */
export function greet(turn: Turn): void {
  const { config, run } = turn.state;
  send(turn, run === null ? config.hello : { ...config.hello, run });
}

/**
 * Sends a report and keeps it until the coordinator has it. Between a hello and its welcome it is only kept: otherwise it
 * would arrive before earlier reports, which are sent again after the welcome.
 */
export function sendReport(turn: Turn, report: KeptReport): void {
  if (turn.state.phase !== 'greeting') send(turn, report);
  update(turn, { reports: [...turn.state.reports, report].slice(-MAX_KEPT_REPORTS) });
}

/** Keeps the reports of `step` itself, because its evaluation may still be on its way. */
export function dropReportsBefore(turn: Turn, step: number): void {
  const first = turn.state.reports[0];
  if (first === undefined || first.step >= step) return;
  update(turn, { reports: turn.state.reports.filter((report) => report.step >= step) });
}

export function exit(turn: Turn, reason: Exit['reason'], message?: string): void {
  update(turn, { phase: 'stopped', activity: { kind: 'idle' }, membership: null, owesReady: false });
  turn.effects.push({ type: 'exit', reason, ...(message === undefined ? {} : { message }) });
}
