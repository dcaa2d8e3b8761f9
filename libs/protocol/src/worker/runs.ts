/** How a worker leaves a run: by ending, or in a pool by becoming free for another one in the same process. */

import type { CoordinatorMessage, RefusalCode } from '../messages/messages.ts';
import type { Exit, WorkerState } from './state.ts';
import { exit, greet, type Turn, update } from './turn.ts';

/** A worker that is in no run. */
export const noRun = {
  run: null,
  incarnation: 0,
  program: null,
  loadError: null,
  step: -1,
  tested: false,
  isCareful: false,
  prepared: 0,
  owesReady: false,
  membership: null,
  activity: { kind: 'idle' },
  reports: [],
} as const satisfies Partial<WorkerState>;

/** Another run may take a worker that was refused for one of these reasons. */
const concernsRun: Readonly<Record<RefusalCode, boolean>> = {
  experiment: true,
  data: true,
  programs: true,
  profile: true,
  failed: true,
  protocol: false,
  version: false,
  build: false,
  unreachable: false,
  unknown: false,
};

/** Whether a refusal holds for one run only, and not for every run that this release can compute. */
export const isOfRun = (code: RefusalCode): boolean => concernsRun[code];

/** Begins to leave the run. The job that runs ends first; what waits for peers is cut short. */
export function release(turn: Turn): void {
  update(turn, { phase: 'releasing', membership: null, owesReady: false, activity: { kind: 'idle' } });
  turn.effects.push({ type: 'release' });
}

/** Forgets the run, and says hello as a worker that is in none. */
export function released(turn: Turn): void {
  if (turn.state.phase !== 'releasing') return;
  update(turn, { ...noRun, phase: 'greeting' });
  greet(turn);
}

export function refused(turn: Turn, { code, message }: Extract<CoordinatorMessage, { type: 'refused' }>) {
  if (isOfRun(code)) exitOrRelease(turn, 'refused', message);
  else exit(turn, 'refused', message);
}

/** The run is over for this worker. In a pool other runs need it; a pool ends when it stops workers that are in no run. */
export function exitOrRelease(turn: Turn, reason: Exit['reason'], message?: string): void {
  if (turn.state.pooled && turn.state.run !== null) release(turn);
  else exit(turn, reason, message);
}
