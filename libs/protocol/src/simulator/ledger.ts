/** Observes a simulated run and throws when it breaks a promise of the protocol. */

import { invariant } from '@lockstep/errors';
import type { CoordinatorEffect, JournalEntry, Outcome } from '../coordinator/state.ts';
import type { CoordinatorMessage } from '../messages/messages.ts';
import type { PartialFrame } from './frames.ts';
import type { RunOptions } from './options.ts';
import { trajectory } from './trajectory.ts';

/** What a real run has on disk, where it outlives every process. */
export interface Disk {
  readonly journal: JournalEntry[];
  readonly checkpoints: Map<number, number>;
  progressStep: number;
  evaluatedStep: number;
  finalEvaluated: boolean;
}

export class Ledger {
  readonly finalStep: number;
  readonly outcomes: Outcome[] = [];
  readonly disk: Disk = {
    journal: [],
    checkpoints: new Map(),
    progressStep: 0,
    evaluatedStep: -1,
    finalEvaluated: false,
  };
  readonly #options: RunOptions;
  /** The states one process would compute. */
  readonly #states: readonly number[];
  readonly #stopped = new Set<string>();

  constructor(options: RunOptions) {
    const { seed, numSteps, numSegments, numShards } = options;
    this.#options = options;
    this.#states = trajectory(seed, numSteps, numSegments, numShards);
    this.finalStep = finalStepOf(options);
  }

  get generations(): readonly number[] {
    return this.disk.journal.flatMap((entry) => (entry.type === 'generation' ? [entry.generation] : []));
  }

  /** A worker committed the state of `step`; `steps` are those that the living members of its generation hold. */
  committed(worker: string, step: number, params: number, steps: readonly number[]): void {
    invariant(params === this.#states[step], `${worker} holds a wrong state at step ${step}`, { params });
    // When a state is not finite, members drop states that were not checked.
    const forgets = this.#options.nonFinite?.cause === 'update';
    const isClose = steps.every((other) => Math.abs(other - step) <= 1 || (forgets && other < 0));
    invariant(isClose, `${worker} commits step ${step} while members hold ${steps.join(', ')}`);
  }

  /** An exchange ended. `given` has the frame of each member, ordered by first shard. */
  exchanged(params: number, given: readonly PartialFrame[]): void {
    let next = 0;
    for (const { start, partials, params: from } of given) {
      invariant(start === next, `shard ${next} was computed ${start > next ? 'by nobody' : 'twice'}`);
      invariant(from === params, `shards from ${start} were computed from another state`);
      next += partials.length;
    }
    const { numShards } = this.#options;
    invariant(next === numShards, `${next} of ${numShards} shards were exchanged`);
  }

  stored(step: number, params: number): void {
    invariant(params === this.#states[step], `the checkpoint of step ${step} holds another state`);
    const { nonFinite } = this.#options;
    const isSound = nonFinite === undefined || step < nonFinite.step;
    invariant(isSound, `the checkpoint of step ${step} is not finite`);
    this.disk.checkpoints.set(step, params);
  }

  observed(incarnation: number, effect: CoordinatorEffect) {
    switch (effect.type) {
      case 'send':
        return this.#sent(`${incarnation}/${effect.worker}`, effect.message);
      case 'journal':
        return this.#written(effect.entry);
      case 'progress':
        return this.#progressed(effect.step);
      case 'evaluation':
        return this.#evaluated(effect.step, effect.final);
      case 'done':
        this.outcomes.push(effect.outcome);
        return;
      case 'diverged':
        return invariant(false, 'workers diverged', { effect });
      case 'event':
      case 'sendCheckpoint':
      case 'holdCheckpoint':
      case 'storeCheckpoint':
        return;
      default:
        effect satisfies never;
    }
  }

  /** Checks the end of a run. */
  close() {
    const outcome = this.outcomes.at(-1);
    const { progressStep, finalEvaluated } = this.disk;
    const { finalStep } = this;
    const { nonFinite } = this.#options;
    if (nonFinite !== undefined && nonFinite.step <= finalStep) return this.#closeNonFinite(outcome);
    invariant(outcome?.reason === 'finished', 'the run did not finish', { outcome });
    invariant(outcome.step === finalStep, `the run finished at step ${outcome.step}, not ${finalStep}`);
    const isRight = outcome.fingerprint === `${this.#states[finalStep]}`;
    invariant(isRight, `the run finished with the fingerprint ${outcome.fingerprint}`);
    invariant(progressStep === finalStep, `progress ended at step ${progressStep}, not ${finalStep}`);
    const isComplete = finalEvaluated === this.#options.finalEvaluation;
    invariant(isComplete, 'the final evaluation is missing or was not asked for');
  }

  /** Every schedule ends at the same step, with the same finding and with the state before that step saved. */
  #closeNonFinite(outcome: Outcome | undefined): void {
    const { cause, step } = this.#options.nonFinite!;
    invariant(outcome?.reason === 'nonFinite', 'the run did not end as non-finite', { outcome });
    const isRight = outcome.step === step && outcome.found.cause === cause && outcome.found.step === step;
    invariant(isRight, `the run ended with another finding than ${cause} ${step}`, { outcome });
    invariant(this.disk.checkpoints.has(step - 1), `the state of step ${step - 1} was not saved`);
    const { progressStep } = this.disk;
    const isAsFar = cause === 'update' ? progressStep >= step - 1 : progressStep === step - 1;
    invariant(isAsFar, `progress ended at step ${progressStep}`);
  }

  #sent(receiver: string, message: CoordinatorMessage): void {
    invariant(!this.#stopped.has(receiver), `a ${message.type} was sent to ${receiver} after stop`);
    if (message.type === 'stop') this.#stopped.add(receiver);
    if (message.type !== 'begin') return;
    const isWritten = this.generations.at(-1) === message.generation;
    invariant(isWritten, `generation ${message.generation} was announced before it was journalled`);
  }

  #written(entry: JournalEntry): void {
    if (entry.type === 'generation') {
      const last = this.generations.at(-1) ?? 0;
      invariant(entry.generation > last, `generation ${entry.generation} follows ${last}`);
    }
    this.disk.journal.push(entry);
  }

  #progressed(step: number): void {
    const { progressStep } = this.disk;
    invariant(step === progressStep + 1, `progress of step ${step} follows that of ${progressStep}`);
    this.disk.progressStep = step;
  }

  #evaluated(step: number, final: boolean): void {
    const { disk } = this;
    invariant(step <= disk.progressStep, `step ${step} was evaluated before its progress`);
    if (final) {
      invariant(!disk.finalEvaluated, 'the final evaluation came twice');
      disk.finalEvaluated = true;
      return;
    }
    const expected = disk.evaluatedStep < 0 ? 0 : disk.evaluatedStep + this.#options.evaluateEvery;
    invariant(step === expected, `evaluation of step ${step} instead of ${expected}`);
    disk.evaluatedStep = step;
  }
}

/** The step at which a run with these options ends. */
function finalStepOf({ numSteps, evaluateEvery, stopFrom }: RunOptions): number {
  for (let step = 0; step < numSteps; step += evaluateEvery) if (step >= stopFrom) return step;
  return numSteps;
}
