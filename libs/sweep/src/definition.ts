/** What a sweep file exports by default: an experiment, a space over its parameters, a search and an objective. */
import { anObject, aString, checkOptions, oneOf, type Rules, required, whole } from '@lockstep/errors';
import {
  type Assignment,
  type AssignmentOf,
  type Constraints,
  createStudy,
  type Objective,
  type Search,
  type Space,
} from '@lockstep/search';

/** The arithmetic of all runs of a sweep. */
export type SweepProfile = 'portable' | 'fma';

export interface SweepOptions<S extends Space = Space> {
  /** The path of the experiment's file, relative to the file of the sweep. */
  readonly experiment: string;
  /** What the experiment's declared parameters are set to, by their names. Parameters that are not named keep their defaults. */
  readonly space: S;
  /** Conditions that every assignment must meet, by name. Default: none. */
  readonly constraints?: Constraints<AssignmentOf<S>>;
  /** How trials are chosen: `search.tpe()`. */
  readonly search: Search;
  /** The number that trials are compared by: `minimize('validation/loss')`. */
  readonly objective: Objective;
  /** The number of trials. A search that has no more assignments ends earlier. */
  readonly trials: number;
  /** Runs of each trial, with the seeds `seed`, `seed + 1`, …; their mean is the trial's value. Default: 1. */
  readonly repeats?: number;
  /** How many trials are proposed from the same results. It decides the table, and the number of workers does not. Default: 4. */
  readonly generation?: number;
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
  readonly repeats: number;
  readonly generation: number;
  readonly seed: number;
}

const marker = Symbol.for('lockstep.sweep');

const rules: Rules<SweepOptions> = {
  experiment: required(aString),
  space: required(anObject),
  constraints: anObject,
  search: required(anObject),
  objective: required(anObject),
  trials: required(whole(1)),
  repeats: whole(1),
  generation: whole(1),
  seed: whole(0),
  profile: oneOf('portable', 'fma'),
  steps: whole(1),
  epochs: whole(1),
  limitSamples: whole(1),
};

/**
 * Checks a sweep and gives it its defaults.
 *
 * @throws LockstepError `config` for options that are missing, unknown or of another kind, and for a space that the search cannot
 * work with
 */
export function defineSweep<const S extends Space>(options: SweepOptions<S>): Sweep {
  checkOptions('defineSweep', options, rules, { code: 'config' });
  const given = options as unknown as SweepOptions;
  const { repeats = 1, generation = 4, seed = 1 } = given;
  const constraints = (given.constraints ?? {}) as Constraints<Assignment>;
  const sweep: Sweep = { ...given, constraints, repeats, generation, seed };
  const { space, search, objective, trials } = sweep;
  createStudy({ space, constraints, search, seed, generation, objectives: [objective], numTrials: trials });
  return Object.assign(sweep, { [marker]: true });
}

/** Whether a value came from {@link defineSweep} of any copy of this library. */
export const isSweep = (value: unknown): value is Sweep =>
  typeof value === 'object' && value !== null && marker in value;
