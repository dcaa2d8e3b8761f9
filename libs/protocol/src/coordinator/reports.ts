/** Handles the reports of members: progress, once for each step; digests and hashes, which are compared; checkpoints. */

import type { WireError } from '@lockstep/errors';
import type { WorkerMessage } from '../messages/messages.ts';
import { compare, isAgreed } from './comparison.ts';
import { fail } from './ending.ts';
import { finishIfAll, startGeneration } from './generations.ts';
import { search } from './searching.ts';
import type { CoordinatorEvent } from './state.ts';
import { journal, type Turn, update, updateWorker } from './turn.ts';

type Report<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>;

/**
 * The first report of a step counts, from any member of any generation: an update that has begun completes, and a repeated
 * step gives the same bytes.
 */
export function committed(turn: Turn, worker: string, message: Report<'committed'>): void {
  const { step, digest, fingerprint, stateHash, report } = message;
  updateWorker(turn, worker, { isProven: true });
  if (step > turn.state.progressStep) {
    update(turn, { progressStep: step, blames: {} });
    turn.effects.push({ type: 'progress', step, worker, report });
  }
  const computed = { fingerprint, stateHash, digest };
  for (const of of ['fingerprint', 'stateHash', 'digest'] as const) {
    const hash = computed[of];
    if (hash !== undefined) compare(turn, worker, { step, of }, hash);
  }
}

/** The evaluation where a run pauses is none of its own. */
export function evaluated(turn: Turn, { step, final, report }: Report<'evaluated'>): void {
  if (final && step === turn.state.config.pauseAt) return;
  const known = final ? turn.state.finalEvaluated : step <= turn.state.evaluatedStep;
  if (known) return;
  update(turn, final ? { finalEvaluated: true } : { evaluatedStep: step });
  turn.effects.push({ type: 'evaluation', step, final, report });
}

export function finished(turn: Turn, worker: string, message: Report<'finished'>): void {
  const { generation, step, fingerprint, result } = message;
  const isMember = turn.state.workers.get(worker)?.status === 'member';
  if (turn.state.phase !== 'running' || generation !== turn.state.generation || !isMember) return;
  if (!compare(turn, worker, { step, of: 'result' }, fingerprint)) return;
  updateWorker(turn, worker, { finish: { step, fingerprint, result } });
  finishIfAll(turn);
}

/**
 * A checkpoint arrived. Members of two generations may both send that of a step; one is enough. It is not stored before the others
 * have reported the step: a checkpoint of a step at which members differ would be the one to resume from.
 */
export function checkpointReceived(turn: Turn, worker: string, step: number): void {
  if (step <= turn.state.checkpointStep) return;
  update(turn, { storing: Math.max(turn.state.storing, step) });
  if (isAgreed(turn, step)) return void turn.effects.push({ type: 'storeCheckpoint', worker, step });
  update(turn, { held: [...turn.state.held, { worker, step }] });
  turn.effects.push({ type: 'holdCheckpoint', worker, step });
}

/** Stores the held checkpoints of steps on which all members agree by now. */
export function storeAgreed(turn: Turn): void {
  const { held } = turn.state;
  const agreed = held.filter(({ step }) => isAgreed(turn, step));
  if (agreed.length === 0) return;
  update(turn, { held: held.filter((one) => !agreed.includes(one)) });
  for (const one of agreed) turn.effects.push({ type: 'storeCheckpoint', ...one });
}

type Saved = Extract<CoordinatorEvent, { type: 'checkpointSaved' }>;

export function checkpointSaved(turn: Turn, { type: _, step, ...hashes }: Saved) {
  if (step > turn.state.checkpointStep) {
    update(turn, { checkpointStep: step });
    journal(turn, { type: 'checkpoint', step, ...hashes });
  }
  const { phase, saver, workers } = turn.state;
  const wanted = saver === null ? undefined : workers.get(saver);
  if (phase === 'saving' && wanted !== undefined && step >= wanted.step) return search(turn);
  stored(turn, step);
}

/**
 * A run continues without an intermediate checkpoint and tries again with the next, but it fails without the one that it ends
 * with. If an error ends the run, that error remains the reason.
 */
export function checkpointFailed(turn: Turn, step: number, error: WireError | undefined) {
  const { phase, saver, workers, failing } = turn.state;
  const isAsked = phase === 'saving' && workers.get(saver ?? '')?.step === step;
  const isLast = phase === 'running' && [...workers.values()].some(({ finish }) => finish?.step === step);
  if (error !== undefined && step > turn.state.checkpointStep && (isAsked || isLast))
    return fail(turn, failing?.error ?? error);
  stored(turn, step);
}

/** No checkpoint up to this step is being stored any more. */
function stored(turn: Turn, step: number): void {
  if (step < turn.state.storing) return;
  update(turn, { storing: -1 });
  if (turn.state.phase === 'running') finishIfAll(turn);
}

/** Continues with the newest readable checkpoint. A generation that waits for the unreadable one agrees again. */
export function checkpointLost(turn: Turn, step: number, newest: number): void {
  if (step !== turn.state.checkpointStep) return;
  update(turn, { checkpointStep: newest });
  if (turn.state.phase === 'running') startGeneration(turn);
}
