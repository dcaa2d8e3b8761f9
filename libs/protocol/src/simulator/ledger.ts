/** Watches a simulated run and throws where a promise of the protocol is broken. */

import { invariant } from '@lockstep/errors';
import type { CoordinatorEffect, JournalEntry, Outcome } from '../coordinator/state.ts';
import { trajectory } from './trajectory.ts';
import type { SimulationOptions } from './world.ts';

/** What a real run keeps on disk: it outlives every process. */
export interface Disk {
  readonly journal: JournalEntry[];
  readonly checkpoints: Map<number, number>;
  progressStep: number;
  evaluatedStep: number;
  finalEvaluated: boolean;
}

export interface Ledger {
  readonly disk: Disk;
  readonly finalStep: number;
  /** A worker swapped in the state of `step`; `steps` are those of the living members of its generation. */
  committed(worker: string, step: number, params: number, steps: readonly number[]): void;
  /** An exchange ended: what each member gave, sorted by first shard. */
  exchanged(
    params: number,
    given: readonly { params: number; start: number; parts: readonly number[] }[],
  ): void;
  observed(incarnation: number, effect: CoordinatorEffect): void;
  stored(step: number, params: number): void;
  readonly outcomes: readonly Outcome[];
  readonly numGenerations: () => number;
}

/** The step at which a run with these options ends. */
function finalStepOf({ numSteps, evaluateEvery, stopFrom }: SimulationOptions): number {
  for (let step = 0; step < numSteps; step += evaluateEvery) if (step >= stopFrom) return step;
  return numSteps;
}

export function createLedger(options: SimulationOptions): Ledger {
  const { seed, numSteps, numSegments, numShards } = options;
  const states = trajectory(seed, numSteps, numSegments, numShards);
  const finalStep = finalStepOf(options);
  const disk: Disk = {
    journal: [],
    checkpoints: new Map(),
    progressStep: 0,
    evaluatedStep: -1,
    finalEvaluated: false,
  };
  const outcomes: Outcome[] = [];
  const stopped = new Set<string>();

  function observeSend(incarnation: number, effect: Extract<CoordinatorEffect, { type: 'send' }>): void {
    const { worker, message } = effect;
    const receiver = `${incarnation}/${worker}`;
    invariant(!stopped.has(receiver), `a ${message.type} was sent to ${worker} after stop`);
    if (message.type === 'stop') stopped.add(receiver);
    if (message.type !== 'begin') return;
    const generations = disk.journal.filter((entry) => entry.type === 'generation');
    const isLatest = generations.at(-1)?.generation === message.generation;
    invariant(isLatest, `generation ${message.generation} was announced before it was journalled`);
  }

  function write(entry: JournalEntry): void {
    const last = disk.journal.filter((one) => one.type === 'generation').at(-1);
    if (entry.type === 'generation' && last !== undefined) {
      invariant(
        entry.generation > last.generation,
        `generation ${entry.generation} follows ${last.generation}`,
      );
    }
    disk.journal.push(entry);
  }

  function progress(step: number): void {
    invariant(
      step === disk.progressStep + 1,
      `progress of step ${step} follows that of ${disk.progressStep}`,
    );
    disk.progressStep = step;
  }

  function evaluation(step: number, final: boolean): void {
    invariant(step <= disk.progressStep, `step ${step} was evaluated before its progress`);
    if (final) {
      invariant(!disk.finalEvaluated, 'the final evaluation came twice');
      disk.finalEvaluated = true;
      return;
    }
    const expected = disk.evaluatedStep < 0 ? 0 : disk.evaluatedStep + options.evaluateEvery;
    invariant(step === expected, `evaluation of step ${step} instead of ${expected}`);
    disk.evaluatedStep = step;
  }

  return {
    disk,
    finalStep,
    outcomes,
    numGenerations: () => disk.journal.filter(({ type }) => type === 'generation').length,
    committed(worker, step, params, steps) {
      invariant(params === states[step], `${worker} holds a wrong state at step ${step}`, { params });
      const isClose = steps.every((other) => Math.abs(other - step) <= 1);
      invariant(isClose, `${worker} commits step ${step} while members hold ${steps.join(', ')}`);
    },
    exchanged(params, given) {
      let next = 0;
      for (const { start, parts, params: from } of given) {
        invariant(start === next, `shard ${next} was computed ${start > next ? 'by nobody' : 'twice'}`);
        invariant(from === params, `shards from ${start} were computed from another state`);
        next += parts.length;
      }
      invariant(next === numShards, `${next} of ${numShards} shards were exchanged`);
    },
    observed(incarnation, effect) {
      if (effect.type === 'send') observeSend(incarnation, effect);
      if (effect.type === 'journal') write(effect.entry);
      if (effect.type === 'progress') progress(effect.step);
      if (effect.type === 'evaluation') evaluation(effect.step, effect.final);
      if (effect.type === 'done') outcomes.push(effect.outcome);
      invariant(effect.type !== 'diverged', 'workers diverged', { effect });
    },
    stored(step, params) {
      invariant(params === states[step], `the checkpoint of step ${step} holds another state`);
      disk.checkpoints.set(step, params);
    },
  };
}
