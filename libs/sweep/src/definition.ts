/** What a sweep file exports by default: an experiment, a space over its parameters, a search and an objective. */
import {
  anObject,
  aString,
  checkOptions,
  type Kind,
  LockstepError,
  listOf,
  nestedOptions,
  oneOf,
  type Rules,
  required,
  whole,
} from '@lockstep/errors';
import {
  type Assignment,
  type AssignmentOf,
  bracketSizes,
  type Constraints,
  createStudy,
  type Objective,
  type RecordedTrial,
  type Search,
  type Space,
  type Study,
} from '@lockstep/search';
import { aStoppingRule, type StoppingRule } from './stopping.ts';

/** The arithmetic of all runs of a sweep. */
export type SweepProfile = 'portable' | 'fma';

/** What a model may cost. A trial that costs more fails before it is trained. */
export interface CostLimits {
  /** The most trained parameters. */
  readonly parameters?: number;
  /** The most floating-point operations of one step, forward and backward over the whole batch. */
  readonly flops?: number;
}

/** Metrics of an assignment that are known before it is trained, for objectives. */
export const costMetrics = { parameters: 'cost/parameters', flops: 'cost/flops' } as const;

export interface SweepOptions<S extends Space = Space> {
  /** The path of the experiment's file, relative to the file of the sweep. */
  readonly experiment: string;
  /** What the experiment's declared parameters are set to, by their names. Parameters that are not named keep their defaults. */
  readonly space: S;
  /** Conditions that every assignment must meet, by name. Default: none. */
  readonly constraints?: Constraints<AssignmentOf<S>>;
  /** How trials are chosen: `search.tpe()`. */
  readonly search: Search;
  /** The number that trials are compared by: `minimize('validation/loss')`. Either this or `objectives` is required. */
  readonly objective?: Objective;
  /** Several numbers, whose best compromises are looked for. The first one decides at rungs and names the best trial. */
  readonly objectives?: readonly Objective[];
  /** The number of trials. A search that has no more assignments ends earlier. */
  readonly trials: number;
  /** Runs of each trial, with the seeds `seed`, `seed + 1`, …; their mean is the trial's value. Default: 1. */
  readonly repeats?: number;
  /** How many trials are proposed from the same results. It decides the table, and the number of workers does not. Default: 4. */
  readonly generation?: number;
  /**
   * Stops trials before their end, at fixed steps. `max` of the rule is then the length of every run, and the brackets of successive
   * halving and Hyperband are the generations. Default: every trial runs to its end.
   */
  readonly stopping?: StoppingRule;
  /** What a model may cost. Default: anything. */
  readonly limits?: CostLimits;
  /** Every random number of the search follows from it, and it is the seed of the first repeat. Default: 1. */
  readonly seed?: number;
  /** Default: the one that the machine prefers on which the sweep begins. */
  readonly profile?: SweepProfile;
  /** Updates of each run. Default: as the experiment says. */
  readonly steps?: number;
  /** Passes of each run over the training data. Default: as the experiment says. */
  readonly epochs?: number;
  /** Each run trains on the first samples only. Default: on all. */
  readonly limitSamples?: number;
}

/** A checked sweep with its defaults. */
export interface Sweep extends Omit<SweepOptions, 'constraints'> {
  readonly constraints: Constraints<Assignment>;
  /** The first of `objectives`. */
  readonly objective: Objective;
  readonly objectives: readonly Objective[];
  readonly repeats: number;
  readonly generation: number;
  readonly seed: number;
}

const marker = Symbol.for('lockstep.sweep');

const anObjective: Kind = {
  what: "an objective, such as minimize('validation/loss')",
  fits: (value) => typeof value === 'object' && value !== null && 'metric' in value && 'direction' in value,
};

const rules: Rules<SweepOptions> = {
  experiment: required(aString),
  space: required(anObject),
  constraints: anObject,
  search: required(anObject),
  objective: anObjective,
  objectives: listOf(anObjective),
  trials: required(whole(1)),
  repeats: whole(1),
  generation: whole(1),
  stopping: aStoppingRule,
  limits: nestedOptions({ parameters: whole(1), flops: whole(1) }),
  seed: whole(0),
  profile: oneOf('portable', 'fma'),
  steps: whole(1),
  epochs: whole(1),
  limitSamples: whole(1),
};

/**
 * Checks a sweep and gives it its defaults.
 *
 * @throws LockstepError `config` for options that are missing, unknown, of another kind or do not go together, and for a space that the
 * search cannot work with
 */
export function defineSweep<const S extends Space>(options: SweepOptions<S>): Sweep {
  checkOptions('defineSweep', options, rules, { code: 'config' });
  const given = options as unknown as SweepOptions;
  const { repeats = 1, generation = 4, seed = 1, stopping } = given;
  const constraints = (given.constraints ?? {}) as Constraints<Assignment>;
  const objectives = objectivesOf(given);
  if (stopping !== undefined) requireStoppable(given, stopping, objectives);
  const steps = stopping?.max ?? given.steps;
  const sweep: Sweep = {
    ...given,
    ...{ constraints, objective: objectives[0]!, objectives, repeats, generation, seed },
    ...(steps !== undefined && { steps }),
  };
  studyOf(sweep);
  return Object.assign(sweep, { [marker]: true });
}

/** The trials of a sweep: its brackets, if it has any, are the generations. */
export function studyOf(sweep: Sweep, recorded: readonly RecordedTrial[] = []): Study {
  const { space, constraints, search, seed, generation, objectives, trials, stopping } = sweep;
  const hasBrackets = stopping !== undefined && 'brackets' in stopping;
  return createStudy({
    ...{ space, constraints, search, seed, objectives, numTrials: trials, recorded },
    generation: hasBrackets ? bracketSizes(stopping) : generation,
    waits: stopping?.name === 'median',
  }) as Study;
}

function objectivesOf({ objective, objectives }: SweepOptions): readonly Objective[] {
  const all = objectives ?? (objective === undefined ? [] : [objective]);
  if (all.length > 0 && (objective === undefined || objectives === undefined)) return all;
  throw new LockstepError(
    'config',
    "defineSweep: a sweep has either objective, such as minimize('validation/loss'), or objectives, a list of at least one",
  );
}

/** At a rung, the state is evaluated on one split, whether or not an epoch ends there. */
function requireStoppable(
  { generation, steps, epochs }: SweepOptions,
  stopping: StoppingRule,
  objectives: readonly Objective[],
): void {
  const refuse = (message: string): never => {
    throw new LockstepError('config', `defineSweep: ${message}`, { rule: stopping.name });
  };
  if (steps !== undefined || epochs !== undefined) {
    refuse(
      `the length of every run is max of ${stopping.name}, ${stopping.max} steps; leave steps and epochs out`,
    );
  }
  if (generation !== undefined && 'brackets' in stopping) {
    refuse(`the brackets of ${stopping.name} are its generations; leave generation out`);
  }
  if (objectives.some(({ over }) => over === 'best')) {
    refuse(`${stopping.name} compares values at its steps; an objective over 'best' does not go with it`);
  }
  const splits = new Set(
    objectives.map(({ metric }) => metric.split('/')[0]).filter((name) => name !== 'cost'),
  );
  const [first] = objectives;
  if (splits.size !== 1 || first!.metric.startsWith('cost/')) {
    refuse(
      `${stopping.name} decides by the first objective, which must be a metric of an evaluation; others may be of the same split or costs`,
    );
  }
}

/** Whether a value came from {@link defineSweep} of any copy of this library. */
export const isSweep = (value: unknown): value is Sweep =>
  typeof value === 'object' && value !== null && marker in value;
