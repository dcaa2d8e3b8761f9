/** Steps of a run, computed again in this process, beside all that the run has recorded of them. */
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import type { createKernels } from '@lockstep/kernels';
import type { Progress } from '@lockstep/run';
import {
  type RecordedStep,
  readHistograms,
  readStepRecord,
  type StepHistograms,
  type StepRecordFile,
} from '@lockstep/tracking';
import { type Compared, type Comparison, compareWith, type Parting } from './comparison.ts';
import { Computation, type ComputedStep } from './computation.ts';
import { type Difference, divisionOf, findDifference } from './difference.ts';
import { differentHistogram } from './histograms.ts';
import type { Interval } from './intervals.ts';
import type { RecordedRun } from './recorded-run.ts';
import { type RunLogs, readRunLogs } from './run-logs.ts';
import { partingOfStep } from './state.ts';

/** All that a run has recorded of its steps. */
export interface Evidence {
  readonly logs: RunLogs;
  /** Undefined for a run without a step record. */
  readonly record: StepRecordFile | undefined;
  readonly steps: ReadonlyMap<number, RecordedStep>;
  /** By step; empty for a run that took none. */
  readonly histograms: ReadonlyMap<number, StepHistograms>;
}

export async function readEvidence({ folder, manifest }: RecordedRun): Promise<Evidence> {
  const record = await readStepRecord(folder);
  const { steps: histograms } = await readHistograms(folder);
  return {
    logs: await readRunLogs(folder, manifest),
    record,
    steps: new Map((record?.steps ?? []).map((step) => [step.step, step])),
    histograms: new Map(histograms.map((of) => [of.step, of])),
  };
}

/**
 * Where a run parts from its computation. `digest`: a digest of the step record, which says where in the step. `value`: a value of the
 * logs, of a run or a step without digests. `checkpoint`: an array of the checkpoint that closes an interval.
 */
export type Finding =
  | { readonly kind: 'digest'; readonly step: number; readonly difference: Difference }
  | { readonly kind: 'value'; readonly step: number; readonly parting: Parting }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly difference: CheckpointDifference };

export interface CheckpointDifference {
  readonly step: number;
  /** The name of the array; `progress` for what a checkpoint holds beside its arrays; undefined if the file cannot be read. */
  readonly variable?: string;
  readonly element?: ElementDifference;
  readonly message: string;
}

/** The first element that differs. Not a number where a value is no number. */
export interface ElementDifference {
  /** The place in the flat array. */
  readonly index: number;
  readonly recorded: number;
  readonly computed: number;
}

export interface CheckOptions {
  /** Called after each step that is computed. */
  readonly onStep?: (step: number) => void;
  readonly createKernels?: typeof createKernels;
}

/** Steps that are computed again and compared. */
export class Check {
  readonly computation: Computation;
  readonly #run: RecordedRun;
  readonly #evidence: Evidence;
  readonly #comparison: Comparison;
  readonly #onStep: (step: number) => void;
  #numDigests = 0;

  constructor(run: RecordedRun, evidence: Evidence, options: CheckOptions = {}) {
    const { onStep = () => undefined, createKernels } = options;
    this.#run = run;
    this.#evidence = evidence;
    this.#comparison = compareWith(evidence.logs);
    this.#onStep = onStep;
    this.computation = new Computation(run, { record: 'full', ...(createKernels && { createKernels }) });
  }

  /** How much was compared so far. */
  get compared(): Compared {
    return { ...this.#comparison.compared, digests: this.#numDigests };
  }

  /** Begins at a saved state, and computes the steps of the interval until one differs. */
  async interval({ from, to }: Interval): Promise<Finding | undefined> {
    const unreadable = await this.#restore(from);
    if (unreadable !== undefined) return unreadable;
    while (this.computation.step < to) {
      const finding = this.#step();
      if (finding !== undefined) return finding;
      this.#onStep(this.computation.step);
    }
    return undefined;
  }

  async #restore(step: number): Promise<Finding | undefined> {
    try {
      await this.computation.restoreFrom(step);
      return undefined;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'checkpoint') throw error;
      return { kind: 'checkpoint', step, difference: { step, message: error.message } };
    }
  }

  /** Compares the evaluation at the end of the run, if the state that was computed is its last one. */
  finalEvaluation(): Finding | undefined {
    const { step } = this.computation;
    if (this.#evidence.logs.final?.step !== step) return undefined;
    const metrics = this.computation.evaluateAtEnd();
    const parting = metrics && this.#comparison.evaluation(step, true, { metrics });
    return parting && { kind: 'value', step, parting };
  }

  #step(): Finding | undefined {
    const step = this.computation.step + 1;
    const recorded = this.#evidence.steps.get(step);
    const hasBlocks = recorded !== undefined && coversAll(recorded, this.#run.config.numShards);
    this.computation.divide(hasBlocks ? divisionOf(recorded) : undefined);
    const computed = this.computation.advance({ histograms: this.#evidence.histograms.has(step) });
    return this.#digests(recorded, computed) ?? this.#values(step, computed);
  }

  #digests(recorded: RecordedStep | undefined, { isUpdated, step }: ComputedStep): Finding | undefined {
    if (recorded === undefined || !isUpdated) return undefined;
    const difference = findDifference(recorded, this.computation.worker.recorded());
    if (difference !== undefined) return { kind: 'digest', step, difference };
    this.#numDigests += numDigestsOf(recorded);
    return undefined;
  }

  #values(step: number, computed: ComputedStep): Finding | undefined {
    const recorded = this.#evidence.histograms.get(step);
    const { histograms } = computed;
    const parting =
      partingOfStep(this.#comparison, computed, this.computation.progress.chain) ??
      (recorded && histograms && differentHistogram(recorded, histograms));
    return parting === undefined ? undefined : { kind: 'value', step, parting };
  }
}

const coversAll = (recorded: RecordedStep, numShards: number): boolean =>
  divisionOf(recorded).reduce((end, { start, count }) => (start === end ? end + count : Number.NaN), 0) ===
  numShards;

function numDigestsOf({ form, members }: RecordedStep): number {
  const perBlock = 2 + form.exchanges.flat().length;
  return members.reduce(
    (sum, { blocks, results, replica }) =>
      sum + blocks.length * perBlock + results.flat().length + replica.length,
    0,
  );
}

/** Compares the checkpoint of the state that was computed with that state. Undefined if they are the same. */
export async function compareCheckpoint(computation: Computation): Promise<CheckpointDifference | undefined> {
  const { run, step, variables, arrays, progress } = computation;
  const folder = checkpointFolder(run.folder);
  const loaded = await loadCheckpoint(folder, step).catch((error: unknown) => {
    if (error instanceof LockstepError && error.code === 'checkpoint') return error.message;
    throw error;
  });
  if (loaded === undefined) return { step, message: `${join(folder, `step ${step}`)} is missing` };
  if (typeof loaded === 'string') return { step, message: loaded };
  for (const [i, { name }] of variables.entries()) {
    const saved = loaded.tensors[name];
    if (saved === undefined) return { step, variable: name, message: `the checkpoint has no ${name}` };
    const element = firstDifferent(saved.data, arrays[i]!);
    if (element !== undefined) {
      const message = `${name} differs from element ${element.index} on`;
      return { step, variable: name, element, message };
    }
  }
  const saved = loaded.header.progress as Progress | undefined;
  if (saved === undefined || JSON.stringify(saved) === JSON.stringify(progress)) return undefined;
  return { step, variable: 'progress', message: differenceOfProgress(saved, progress) };
}

function differenceOfProgress(saved: Progress, computed: Progress): string {
  const names = Object.keys(computed) as (keyof Progress)[];
  const name = names.find((one) => saved[one] !== computed[one])!;
  return `its ${name} is ${saved[name]}, computed is ${computed[name]}`;
}

/** The first element whose bits differ; any NaN equals any NaN. */
export function firstDifferent(
  recorded: ArrayLike<number>,
  computed: ArrayLike<number>,
): ElementDifference | undefined {
  const length = Math.max(recorded.length, computed.length);
  for (let index = 0; index < length; index++) {
    const [a, b] = [recorded[index] ?? Number.NaN, computed[index] ?? Number.NaN];
    if (!Object.is(a, b)) return { index, recorded: a, computed: b };
  }
  return undefined;
}
