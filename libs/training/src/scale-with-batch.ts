/** An experiment whose batch size is a parameter, and whose optimizer follows it by a rule. */
import { aNumber, checkOptions, LockstepError, oneOf, type Rules, required, whole } from '@lockstep/errors';
import {
  chain,
  cosine,
  type GradientTransformation,
  lamb,
  lars,
  monitorNoiseScale,
  type Stretch,
  scaleBySchedule,
} from '@lockstep/optim';
import { param } from '@lockstep/params';
import { defineExperiment } from './define-experiment.ts';
import type { CommonOptions, Experiment } from './experiment.ts';
import { type ExperimentTemplate, isTemplate, resolveExperiment } from './template.ts';

/** How an optimizer follows the batch size. */
export const batchRules = ['none', 'linear', 'sqrt', 'lars', 'lamb'] as const;

export type BatchRule = (typeof batchRules)[number];

export interface BatchScaleOptions {
  /** The batch size for which the experiment's optimizer was tuned. */
  readonly baseBatchSize: number;
  /**
   * `linear` multiplies updates by the ratio of the batch sizes (Goyal et al., 2017), `sqrt` by its root (Krizhevsky, 2014), `none`
   * leaves them. `lars` and `lamb` take the place of the experiment's optimizer (You et al., 2017 and 2020), with a rate that falls
   * along half a cosine and follows the batch linearly and by the root. Default `linear`.
   */
  readonly rule?: BatchRule;
  /** The part of the run in which a factor above 1 rises to its value. Default 0.05. */
  readonly warmup?: number;
  /** The peak rate of `lars` and `lamb` at the base batch size. Default: none, and these two need one. */
  readonly rate?: number;
  /** Reports the noise scale, estimated over about so many samples. Default: it is not reported. */
  readonly noiseSamples?: number;
}

const rules: Rules<BatchScaleOptions> = {
  baseBatchSize: required(whole(1)),
  rule: oneOf(...batchRules),
  warmup: aNumber,
  rate: aNumber,
  noiseSamples: whole(1),
};

/** The parameters that set the batch size, and from which step on it is that: a branch has the steps before from its parent. */
const added = ['batchSize', 'batchFrom'] as const;

type Added = Readonly<Record<(typeof added)[number], number>>;

/**
 * An experiment with one more parameter, `batchSize`. Its schedules keep to the samples for which they were written: with a batch of 4
 * times the size they advance by 4 steps an update. With `batchSize` at its default, the base batch size, the parameters of a run are
 * those of the experiment itself, bit for bit. Early stopping is left out, so that runs of all sizes see as many samples.
 *
 * A branch that changes `batchSize` also sets `batchFrom` to the step after which it begins.
 *
 * @throws LockstepError `config` for options that do not fit, and for an experiment that declares a parameter of these names itself
 */
export function scaleWithBatch(
  experiment: Experiment | ExperimentTemplate,
  options: BatchScaleOptions,
): ExperimentTemplate {
  checkOptions('scaleWithBatch', options, rules, { code: 'config' });
  const declared = isTemplate(experiment) ? experiment.params : {};
  const taken = added.find((name) => name in declared);
  if (taken !== undefined) {
    throw new LockstepError(
      'config',
      `scaleWithBatch: the experiment declares a parameter '${taken}' itself; give it another name`,
      { parameter: taken },
    );
  }
  const { baseBatchSize, rule = 'linear', rate } = options;
  if ((rule === 'lars' || rule === 'lamb') && rate === undefined) {
    throw new LockstepError(
      'config',
      `scaleWithBatch: ${rule} takes the place of the experiment's optimizer, whose rate does not suit it; give its peak rate at the base batch size`,
      { rule },
    );
  }
  const own = {
    batchSize: param.integer(baseBatchSize, { min: 1, help: 'samples of a step; the optimizer follows it' }),
    batchFrom: param.integer(0, { min: 0, help: 'the step after which the batch has this size' }),
  };
  return defineExperiment({ params: { ...declared, ...own } }, (values) => {
    const { batchSize, batchFrom, ...others } = values as Added;
    const { earlyStopping: _, ...made } = resolveExperiment(experiment, others).experiment as CommonOptions;
    return {
      ...made,
      batch: { ...made.batch, size: batchSize },
      optimizer: scaledOptimizer(made.optimizer, { batchSize, batchFrom }, options),
    } as never;
  });
}

function scaledOptimizer(
  optimizer: GradientTransformation,
  { batchSize, batchFrom: from }: Added,
  { baseBatchSize, rule = 'linear', warmup = 0.05, rate = 0, noiseSamples }: BatchScaleOptions,
): GradientTransformation {
  const ratio = batchSize / baseBatchSize;
  const factors = { none: 1, linear: ratio, sqrt: Math.sqrt(ratio), lars: ratio, lamb: Math.sqrt(ratio) };
  const inner = {
    ...{ none: optimizer, linear: optimizer, sqrt: optimizer },
    ...{ lars: lars(cosine({ peak: rate })), lamb: lamb(cosine({ peak: rate })) },
  }[rule] as GradientTransformation;
  const links = [stretched(inner, { from, steps: ratio }), rising(factors[rule], from, warmup)];
  if (noiseSamples === undefined) return chain(...links) as GradientTransformation;
  const numGradients = Math.max(2, noiseSamples / batchSize);
  const decay = (numGradients - 1) / (numGradients + 1);
  return chain(monitorNoiseScale({ decay }), ...links) as GradientTransformation;
}

const stretched = (optimizer: GradientTransformation, stretch: Stretch): GradientTransformation => ({
  ...optimizer,
  update: (grads, state, params, progress) =>
    optimizer.update(grads, state, params, { ...progress, stretch }),
});

/** Multiplies updates by a factor. One above 1 rises from 1 in the first part of the steps after `from`. */
function rising(factor: number, from: number, warmup: number): GradientTransformation<unknown> {
  return scaleBySchedule((step, totalSteps) => {
    if (factor <= 1) return step.mul(0).add(factor);
    const numSteps = Math.max(1, Math.ceil(warmup * (totalSteps - from)));
    return step
      .sub(from - 1)
      .div(numSteps)
      .minimum(1)
      .mul(factor - 1)
      .add(1);
  });
}
