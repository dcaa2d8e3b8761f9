/** The number of steps that an update accumulates: a constant, a table, or a function of the gradient's noise. */
import { isNaN as isNotANumber, type Tensor, where } from '@lockstep/autodiff';
import {
  checkOptions,
  type Kind,
  LockstepError,
  nestedOptions,
  type Rules,
  required,
  signature,
  whole,
} from '@lockstep/errors';
import { check } from './checks.ts';
import {
  type NoiseScaleOptions,
  type NoiseScaleState,
  noiseScaleOf,
  noiseScaleRules,
} from './noise-scale.ts';
import { requireRising } from './schedule.ts';
import type { Empty, TensorTree } from './transformation.ts';

/** From update `from` on, an update accumulates `every` steps. */
export interface BatchStage {
  /** The number of updates before this stage. */
  readonly from: number;
  readonly every: number;
}

const stageRules: Rules<BatchStage> = { from: required(whole(0)), every: required(whole(1)) };

/** A rule made by {@link byNoiseScale}. */
export interface NoiseRule extends NoiseScaleOptions {
  /** The largest number of steps per update. */
  readonly most: number;
}

export const noiseRuleRules: Rules<NoiseRule> = { ...noiseScaleRules, most: required(whole(1)) };

export type AccumulationRule = number | readonly BatchStage[] | NoiseRule;

const aStage = nestedOptions(stageRules);

/** A number of steps, a table of stages, or {@link byNoiseScale}. */
export const anAccumulation: Kind = {
  what: 'a whole number of steps, a table such as [{ from: 0, every: 1 }], or byNoiseScale({ most })',
  fits: (value) =>
    typeof value === 'number' || aStage.fits(value) || (Array.isArray(value) && value.every(aStage.fits)),
};

const checkByNoiseScale = signature('byNoiseScale', {}, noiseRuleRules);

/**
 * A batch that follows the gradient noise scale. After each update, the next update accumulates as many steps as
 * bring its batch to tr(Σ)/|G|² samples, the batch in which a sample brings half of what it brings in a small one
 * (McCandlish et al., 2018): at least 1 step, at most `most`. The estimate and the number of steps are step metrics.
 */
export function byNoiseScale(rule: NoiseRule): NoiseRule {
  checkByNoiseScale(rule);
  check('byNoiseScale', 'period', { most: rule.most });
  noiseScaleOf('byNoiseScale', rule);
  return rule;
}

/** A rule as used by the accumulator. */
export interface Growth {
  /** Whether the number of steps can change. */
  readonly varies: boolean;
  readonly first: number;
  init(params: TensorTree): NoiseScaleState | Empty;
  /** Adds a step's gradient to the estimate. */
  observe(
    state: NoiseScaleState | Empty,
    grads: TensorTree,
    samples: Tensor | undefined,
  ): NoiseScaleState | Empty;
  /** The number of steps of the next update, after `numUpdates` updates; `before` is that of the last one. [] */
  next(numUpdates: Tensor, before: Tensor, state: NoiseScaleState | Empty): Tensor;
  /** The number of updates in a run of this many steps; an upper bound if the rule cannot know it. */
  numUpdates(totalSteps: number): number;
}

export function growthOf(owner: string, rule: AccumulationRule): Growth {
  if (typeof rule === 'number') return byStages(owner, [{ from: 0, every: rule }]);
  if (!Array.isArray(rule)) {
    checkOptions(owner, rule, noiseRuleRules);
    return byNoise(owner, rule as NoiseRule);
  }
  for (const stage of rule) checkOptions(`${owner}: a stage`, stage, stageRules);
  return byStages(owner, rule);
}

function byStages(owner: string, stages: readonly BatchStage[]): Growth {
  const first = requireStages(owner, stages);
  return {
    varies: stages.length > 1,
    first,
    init: () => ({}),
    observe: (state) => state,
    next: (numUpdates, before) =>
      stages.slice(1).reduce((n, { from, every }) => where(numUpdates.greaterEqual(from), every, n), before),
    numUpdates(totalSteps) {
      let [stepsLeft, updates] = [totalSteps, 0];
      for (const [i, { from, every }] of stages.entries()) {
        const wanted = (stages[i + 1]?.from ?? Number.POSITIVE_INFINITY) - from;
        const made = Math.min(wanted, Math.floor(stepsLeft / every));
        updates += made;
        stepsLeft -= made * every;
        if (made < wanted) break;
      }
      return Math.max(1, updates);
    },
  };
}

function byNoise(owner: string, { most, ...options }: NoiseRule): Growth {
  const { init, observe, read } = noiseScaleOf(owner, options);
  return {
    varies: true,
    first: 1,
    init,
    observe: (state, grads, samples) => observe(state as NoiseScaleState, grads, samples),
    next(_numUpdates, before, state) {
      const { inverse } = state as NoiseScaleState;
      // The noise scale in batches of one step, of average size.
      const batches = read(state as NoiseScaleState).mul(inverse);
      const steps = batches.add(0.5).floor().maximum(1).minimum(most);
      return where(isNotANumber(batches), before, steps.cast(before.dtype));
    },
    numUpdates: (totalSteps) => totalSteps,
  };
}

/** Checks that the first stage starts at 0, and returns its number of steps. */
function requireStages(owner: string, stages: readonly BatchStage[]): number {
  const [first] = stages;
  if (first?.from !== 0) {
    throw new LockstepError(
      'argument',
      `${owner}: the first stage begins at ${first?.from}; it must begin at 0, as in [{ from: 0, every: 1 }, { from: 1000, every: 4 }]`,
      { owner, from: first?.from },
    );
  }
  for (const { from, every } of stages) {
    check(owner, 'steps', { from });
    check(owner, 'period', { every });
  }
  requireRising(
    owner,
    'from',
    stages.slice(1).map(({ from }) => from),
  );
  return first.every;
}
