/**
 * A recorded run, computed again in this thread. The state is the same, byte for byte, for every division of the shards; partial
 * results exist only for the division that is asked for.
 */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import type { ShardRange } from '@lockstep/collectives';
import { invariant, LockstepError } from '@lockstep/errors';
import { placedIn } from '@lockstep/inference';
import type { createKernels } from '@lockstep/kernels';
import {
  afterEvaluation,
  chainAfter,
  fillReplica,
  initialProgress,
  type NonFinite,
  type Programs,
  type Progress,
  type RecordMode,
  replicaVariables,
  type Schedule,
  type StateHashes,
  stateHashes,
  type Variable,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import {
  createLocalWorker,
  type ExecutorHooks,
  type LocalWorker,
  type UpdateHistograms,
  type UpdateOptions,
} from '@lockstep/training';
import type { RecordedRun } from './recorded-run.ts';
import type { Stage } from './stages.ts';

/** A copy of a state. */
export interface ReplayedState {
  readonly step: number;
  readonly progress: Progress;
  /** In the order of `replicaVariables`. */
  readonly arrays: readonly TypedArray[];
}

/** A step that was computed again, with the hashes that the schedule asks for. */
export interface ComputedStep extends Partial<StateHashes> {
  readonly step: number;
  /** Training metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of the evaluation after the step. */
  readonly evaluation?: Readonly<Record<string, number>>;
  /** What is not finite. If the run stops there, the state is still that before the step. */
  readonly nonFinite?: NonFinite;
  readonly isUpdated: boolean;
  /** Where they were asked for. */
  readonly histograms?: UpdateHistograms;
}

export interface ComputationOptions {
  /** Whether the run's evaluations are computed too. Progress then follows them. Default: true. */
  readonly evaluates?: boolean;
  /** Default: the fastest kernels of the run's profile. */
  readonly createKernels?: typeof createKernels;
  /** What {@link Computation.recorded} gives. Default `off`. */
  readonly record?: RecordMode;
  /** Called in the middle of steps, for what later segments overwrite. */
  readonly hooks?: ExecutorHooks;
}

/** Begins without a state: `restoreFrom` or `restore` comes first. */
export class Computation {
  readonly run: RecordedRun;
  readonly #options: ComputationOptions;
  #ranges: readonly ShardRange[] | undefined;
  #bound: Bound | undefined;
  #step = -1;
  #progress = initialProgress;

  constructor(run: RecordedRun, options: ComputationOptions = {}) {
    this.run = run;
    this.#options = options;
  }

  /** The step of the current state; -1 without one. */
  get step(): number {
    return this.#step;
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** The names and forms of {@link arrays}. */
  get variables(): readonly Variable[] {
    return this.#current().variables;
  }

  /** The current state: parameters, model state, optimizer state. The next step changes it. */
  get arrays(): readonly TypedArray[] {
    return this.#current().worker.replica;
  }

  /** The worker of the last step, whose memory holds what the step computed. */
  get worker(): LocalWorker {
    return this.#current().worker;
  }

  get programs(): Programs {
    return this.#current().programs;
  }

  /** Divides the shards of later steps among blocks. Default: one range of all shards. */
  divide(ranges: readonly ShardRange[] | undefined): void {
    // An equal division keeps the worker that is bound to it.
    if (!isSame(ranges, this.#ranges)) this.#ranges = ranges;
  }

  copy(): ReplayedState {
    const arrays = this.arrays.map((array) => array.slice());
    return { step: this.#step, progress: this.#progress, arrays };
  }

  restore({ step, progress, arrays }: ReplayedState): void {
    copyInto(this.#bind(step + 1).worker.replica, arrays);
    this.#take(step, progress);
  }

  /** Takes the state of a checkpoint, or for step 0 that of the seed. Throws `checkpoint` if it is missing or damaged. */
  async restoreFrom(step: number): Promise<void> {
    const { folder, firstStep, checkpoints } = this.run;
    const { worker, variables } = this.#bind(step + 1);
    if (step === 0 && firstStep === 0) {
      worker.initialize();
      return this.#take(0, initialProgress);
    }
    const checkpoint = await loadCheckpoint(checkpointFolder(folder), step);
    if (checkpoint === undefined) {
      const message = `${folder} has no checkpoint of step ${step}; it has those of steps ${checkpoints.join(', ')}`;
      throw new LockstepError('checkpoint', message, { folder, step, checkpoints });
    }
    fillReplica(variables, worker.replica, checkpoint.tensors);
    this.#take(step, (checkpoint.header.progress as Progress | undefined) ?? initialProgress);
  }

  /** Computes the segments and exchanges of the next step, without its update. */
  computeStep(): void {
    this.#current();
    const next = this.#step + 1;
    placedIn(this.run, this.run.experiment, () => this.#bind(next).worker.runSegments(next));
  }

  /** Applies the update of the step that was computed, and evaluates where the schedule says so. */
  update(options: UpdateOptions = {}): ComputedStep {
    const bound = this.#current();
    const step = this.#step + 1;
    const { isUpdated, nonFinite, histograms } = bound.worker.update(step, options);
    const computed = {
      ...{ step, metrics: bound.worker.stepMetrics(), isUpdated },
      ...(nonFinite && { nonFinite }),
      ...(histograms && { histograms }),
    };
    if (!isUpdated) return computed;
    const hashes = bound.hashes(step);
    this.#take(step, { ...this.#progress, chain: chainAfter(this.#progress.chain, step, hashes) });
    const evaluation = this.#evaluate(bound);
    return { ...computed, ...hashes, ...(evaluation && { evaluation }) };
  }

  /** Computes the next step with its update. */
  advance(options: UpdateOptions = {}): ComputedStep {
    this.computeStep();
    return this.update(options);
  }

  /** The metrics of the evaluation with which a run ends, of the current state. Undefined for a run without such an evaluation. */
  evaluateAtEnd(): Readonly<Record<string, number>> | undefined {
    const { validation, test } = this.run.dataset.splits;
    const split = test ? 'test' : validation ? 'validation' : undefined;
    return split && this.#current().worker.evaluate(split, this.#step);
  }

  #evaluate({ worker, schedule }: Bound): Readonly<Record<string, number>> | undefined {
    const { evaluates = true } = this.#options;
    if (!evaluates || !schedule.at(this.#step).evaluate) return undefined;
    const metrics = worker.evaluate('validation', this.#step);
    const { earlyStopping } = this.run.experiment;
    this.#progress = afterEvaluation(this.#progress, this.#step, metrics, earlyStopping);
    return metrics;
  }

  #take(step: number, progress: Progress): void {
    this.#step = step;
    this.#progress = progress;
  }

  #current(): Bound {
    invariant(this.#bound !== undefined && this.#step >= 0, 'a computation begins from a state');
    return this.#bound;
  }

  /** The worker that computes step `next`, with the current state in its memory. */
  #bind(next: number): Bound {
    const stage = this.run.stage(next);
    if (this.#bound?.stage === stage && this.#bound.ranges === this.#ranges) return this.#bound;
    const made = createBound(this.run, stage, this.#ranges, this.#options);
    if (this.#bound !== undefined) copyInto(made.worker.replica, this.#bound.worker.replica);
    this.#bound = made;
    return made;
  }
}

/** A stage of a run, bound to memory for one division of the shards. */
interface Bound {
  readonly stage: Stage;
  readonly ranges: readonly ShardRange[] | undefined;
  readonly programs: Programs;
  readonly schedule: Schedule;
  readonly variables: readonly Variable[];
  readonly worker: LocalWorker;
  /** Of the current state, which is that of `step`, as the schedule asks for them. */
  hashes(step: number): Partial<StateHashes>;
}

function createBound(
  run: RecordedRun,
  stage: Stage,
  ranges: readonly ShardRange[] | undefined,
  { createKernels, record, hooks }: ComputationOptions,
): Bound {
  const { dataset, profile } = run;
  const programs = run.programs(stage);
  const worker = placedIn(run, run.experiment, () =>
    createLocalWorker(
      {
        ...{ dataset, config: stage.config, profile },
        ...(ranges && { ranges }),
        ...(createKernels && { createKernels }),
        ...(record && { record }),
        ...(hooks && { hooks }),
      },
      programs,
    ),
  );
  const schedule = run.schedule(stage);
  return {
    ...{ stage, ranges, programs, worker, schedule },
    variables: replicaVariables(programs),
    hashes(step) {
      const wanted = schedule.at(step);
      if (!wanted.fingerprint && !wanted.stateHash) return {};
      const { fingerprint, stateHash } = stateHashes(programs, worker.replica);
      return { ...(wanted.fingerprint && { fingerprint }), ...(wanted.stateHash && { stateHash }) };
    },
  };
}

const isSame = (a: readonly ShardRange[] | undefined, b: readonly ShardRange[] | undefined): boolean =>
  a?.length === b?.length &&
  (a ?? []).every(({ start, count }, i) => start === b![i]!.start && count === b![i]!.count);

function copyInto(to: readonly TypedArray[], from: readonly TypedArray[]): void {
  for (const [i, array] of from.entries()) to[i]!.set(array);
}
