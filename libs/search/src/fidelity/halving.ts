/**
 * Successive halving and Hyperband (Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, 2018). Decisions are made at fixed steps,
 * when all trials of a rung are there; never at times.
 */
import { checkOptions, LockstepError, type Rules, required, whole } from '@lockstep/errors';
import type { Objective } from '../objective.ts';
import { ranked } from '../study/rank.ts';
import type { TrialResult } from '../study/trial.ts';

/** Trials that run up to the same step before some of them go on. */
export interface Rung {
  readonly trials: number;
  /** Counted from the beginning of each trial. */
  readonly steps: number;
}

/** Trials that are compared with each other: each rung continues the best of the one before. */
export interface Bracket {
  readonly rungs: readonly Rung[];
}

export interface HalvingPlan {
  readonly name: 'successiveHalving' | 'hyperband';
  readonly min: number;
  readonly max: number;
  readonly eta: number;
  /** In the order in which trials fill them; after the last one follows the first one again. */
  readonly brackets: readonly Bracket[];
}

export interface HyperbandOptions {
  /** The fewest steps after which a trial may be stopped. */
  readonly min: number;
  /** The steps of a trial that is never stopped. */
  readonly max: number;
  /** Each rung continues one of `eta` trials, for `eta` times the steps. Default: 3. */
  readonly eta?: number;
}

export interface SuccessiveHalvingOptions extends HyperbandOptions {
  /** The trials of the first rung. Default: as many as leave one trial at the last rung. */
  readonly trials?: number;
}

const hyperbandRules: Rules<HyperbandOptions> = {
  min: required(whole(1)),
  max: required(whole(1)),
  eta: whole(2),
};

/**
 * The brackets of Hyperband, from the one that stops most to the one that stops none: bracket s begins with
 * n = ⌈(s_max + 1)/(s + 1)·ηˢ⌉ trials of max·η⁻ˢ steps, and rung i has ⌊n·η⁻ⁱ⌋ trials of max·η^(i − s) steps.
 */
export function hyperband(options: HyperbandOptions): HalvingPlan {
  checkOptions('hyperband', options, hyperbandRules);
  const { min, max, eta = 3 } = options;
  const most = numHalvings('hyperband', min, max, eta);
  const brackets = Array.from({ length: most + 1 }, (_, i) => {
    const s = most - i;
    // One division of whole numbers: a rounded factor could push the quotient above the next whole number.
    const trials = Math.ceil(((most + 1) * power(eta, s)) / (s + 1));
    return bracketOf(trials, { halvings: s, max, eta });
  });
  return { name: 'hyperband', min, max, eta, brackets };
}

/** One bracket: it begins with many trials of about `min` steps and continues one of `eta` at each rung, up to `max` steps. */
export function successiveHalving(options: SuccessiveHalvingOptions): HalvingPlan {
  checkOptions('successiveHalving', options, { ...hyperbandRules, trials: whole(1) });
  const { min, max, eta = 3 } = options;
  const halvings = numHalvings('successiveHalving', min, max, eta);
  const trials = options.trials ?? power(eta, halvings);
  return { name: 'successiveHalving', min, max, eta, brackets: [bracketOf(trials, { halvings, max, eta })] };
}

/** The largest s with min·ηˢ ≤ max. */
function numHalvings(owner: string, min: number, max: number, eta: number): number {
  if (min > max) {
    throw new LockstepError('argument', `${owner}: min is ${min} and max is ${max}; exchange them?`, {
      min,
      max,
    });
  }
  let s = 0;
  while (min * power(eta, s + 1) <= max) s++;
  return s;
}

/** eta^s for whole numbers. */
function power(eta: number, s: number): number {
  let product = 1;
  for (let i = 0; i < s; i++) product *= eta;
  return product;
}

interface Schedule {
  readonly halvings: number;
  readonly max: number;
  readonly eta: number;
}

function bracketOf(trials: number, { halvings, max, eta }: Schedule): Bracket {
  return {
    rungs: Array.from({ length: halvings + 1 }, (_, i) => ({
      // A bracket that is not full keeps a trial to the end.
      trials: Math.max(1, Math.floor(trials / power(eta, i))),
      steps: Math.max(1, Math.round(max / power(eta, halvings - i))),
    })),
  };
}

/** A bracket with the numbers of its trials. */
export interface AssignedBracket extends Bracket {
  /** Its place in the plan. */
  readonly index: number;
  readonly trials: readonly number[];
}

/** How the trials of a sweep fill the brackets of a plan, in the order of their numbers. The last bracket may be shorter. */
export function assignBrackets(plan: HalvingPlan, numTrials: number): readonly AssignedBracket[] {
  const assigned: AssignedBracket[] = [];
  for (let from = 0; from < numTrials; ) {
    const index = assigned.length % plan.brackets.length;
    const planned = plan.brackets[index]!;
    const size = Math.min(planned.rungs[0]!.trials, numTrials - from);
    const halvings = planned.rungs.length - 1;
    const { rungs } = size < planned.rungs[0]!.trials ? bracketOf(size, { halvings, ...plan }) : planned;
    assigned.push({ index, rungs, trials: Array.from({ length: size }, (_, i) => from + i) });
    from += size;
  }
  return assigned;
}

/** The sizes of generations with which a search sees the results of whole brackets. */
export const bracketSizes = (plan: HalvingPlan): readonly number[] =>
  plan.brackets.map(({ rungs }) => rungs[0]!.trials);

/** A trial at the end of a rung; its values are means over repeats, one for each objective. */
export interface RungResult {
  readonly number: number;
  readonly result: Pick<TrialResult, 'values' | 'status'>;
}

/**
 * The numbers of the `count` best trials of a rung, ascending, by the first objective; the lower number wins a tie. A trial that
 * failed or has NaN never goes on, so fewer may be left.
 */
export function survivors(
  objective: Objective,
  results: readonly RungResult[],
  count: number,
): readonly number[] {
  const candidates = results
    .filter(({ result }) => result.status !== 'failed' && !Number.isNaN(result.values[0] ?? Number.NaN))
    .map(({ number, result }) => ({
      ...{ number, generation: 0, params: {} },
      result: { ...result, status: 'complete' as const },
    }));
  return ranked(objective, candidates)
    .slice(0, count)
    .map(({ number }) => number)
    .sort((a, b) => a - b);
}
