/**
 * Training in one process and one thread, over any division of the shards: the same programs, blocks and tree as on a
 * cluster, without sockets. A cluster must reproduce its result to the byte.
 */
import {
  afterEvaluation,
  createSchedule,
  fingerprint,
  firstNonFinite,
  initialProgress,
  itemsOf,
  modelGroups,
  type NonFinite,
  nonFiniteRule,
  type Programs,
  type Progress,
  pack,
  replicaGroups,
  unpack,
  type Variable,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import type { Experiment } from './experiment.ts';
import { createLocalWorker, type LocalWorker, type LocalWorkerOptions } from './local-worker.ts';
import type { PlanCache } from './plan-cache.ts';
import { compilePrograms } from './programs.ts';

export interface LocalOptions extends LocalWorkerOptions {
  readonly experiment: Experiment;
  /** What earlier compilations have left. Default: nothing. */
  readonly cache?: PlanCache;
  readonly onStep?: (step: number, metrics: Readonly<Record<string, number>>) => void;
}

export interface LocalResult {
  readonly steps: number;
  readonly fingerprint: string;
  /** Training metrics by step. */
  readonly history: readonly Readonly<Record<string, number>>[];
  /** The best evaluation so far, and whether early stopping ended the run. */
  readonly progress: Progress;
  /** What stopped the run. `steps` is then the last finite step, whose state is given. */
  readonly nonFinite?: NonFinite;
  /** The metrics of the evaluation at the end; none where a non-finite step stopped the run. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly variables: readonly Variable[];
  readonly arrays: readonly TypedArray[];
  /** The optimizer's state by name. The fingerprint does not include it. */
  readonly optState: Readonly<Record<string, TypedArray>>;
}

/**
 * Trains an experiment. An update that makes the state non-finite shows in a later step, if at all: the run is then
 * repeated with a check after every update.
 */
export function trainLocally(options: LocalOptions): LocalResult {
  const { onStep: _told, ...again } = options;
  const result = trainOnce(options, false);
  return result.nonFinite?.cause === 'state' ? trainOnce(again, true) : result;
}

function trainOnce(options: LocalOptions, isCareful: boolean): LocalResult {
  const { experiment, dataset, config, cache, onStep } = options;
  const { validation, test, train } = dataset.splits;
  const schedule = createSchedule(config, train.size, validation !== undefined);
  const programs = compilePrograms(experiment, dataset, config, schedule.totalSteps, { cache });
  const worker = createLocalWorker(options, programs);
  const broken = (): string | undefined =>
    nonFiniteRule(config, programs) === 'warn' ? undefined : firstNonFinite(programs, worker.replica);
  const update = isCareful ? carefulUpdate(worker, broken) : plainUpdate(worker);

  let step = 0;
  let nonFinite: NonFinite | undefined;
  let progress = initialProgress;
  const history: Record<string, number>[] = [];
  worker.initialize();
  while (step < schedule.lastStep && !progress.stopped) {
    worker.runSegments(step + 1);
    nonFinite = update(step + 1);
    if (nonFinite !== undefined) break;
    step++;
    const metrics = worker.stepMetrics();
    history.push(metrics);
    onStep?.(step, metrics);
    if (!schedule.at(step).evaluate) continue;
    progress = afterEvaluation(progress, step, worker.evaluate('validation', step), experiment.earlyStopping);
  }
  const last = nonFinite === undefined ? broken() : undefined;
  if (last !== undefined) nonFinite = { cause: 'state', step, what: [last] };
  const final = test ? 'test' : validation ? 'validation' : undefined;
  return {
    steps: step,
    ...trainedArrays(programs, worker),
    history,
    progress,
    ...(nonFinite && { nonFinite }),
    metrics: final === undefined || nonFinite !== undefined ? {} : worker.evaluate(final, step),
  };
}

/** Applies the update of a step. Returns the reason if the update is not applied. */
type Update = (step: number) => NonFinite | undefined;

const plainUpdate =
  (worker: LocalWorker): Update =>
  (step) => {
    const { isUpdated, nonFinite } = worker.update(step);
    return isUpdated ? undefined : nonFinite;
  };

/** An update that is undone if `broken` finds an array that is not finite afterwards. */
const carefulUpdate = (worker: LocalWorker, broken: () => string | undefined): Update => {
  const update = plainUpdate(worker);
  const { replica, spare } = worker;
  return (step) => {
    for (const [i, array] of replica.entries()) spare[i]!.set(array);
    const nonFinite = update(step);
    const found = nonFinite === undefined ? broken() : undefined;
    if (found === undefined) return nonFinite;
    for (const [i, array] of replica.entries()) array.set(spare[i]!);
    return { cause: 'update', step, what: [found] };
  };
};

function trainedArrays(
  programs: Programs,
  worker: LocalWorker,
): Pick<LocalResult, 'variables' | 'arrays' | 'fingerprint' | 'optState'> {
  const { optState, ...model } = unpack(
    replicaGroups(programs),
    worker.replica.map((array) => array.slice()),
  );
  const variables = itemsOf(modelGroups(programs));
  const arrays = pack(modelGroups(programs), model);
  const named = programs.optState.map(({ name }, i) => [name, optState[i]!] as const);
  return {
    variables,
    arrays,
    fingerprint: fingerprint(variables, arrays),
    optState: Object.fromEntries(named),
  };
}
