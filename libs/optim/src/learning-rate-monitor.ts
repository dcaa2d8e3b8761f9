/** Reports the learning rate of each step. */
import { asTensor, type Tensor, zeros } from '@lockstep/autodiff';
import { aString, type Rules, signature } from '@lockstep/errors';
import { check } from './checks.ts';
import { aRate } from './kinds.ts';
import type { Schedule } from './schedule.ts';
import type { StepMetrics } from './step-metrics.ts';
import { overTrained } from './trained.ts';
import { dtypeOf, type GradientTransformation } from './transformation.ts';

export type LearningRateState = {
  /** The rate of the last update, under its name. [] */
  readonly stepMetrics: StepMetrics;
};

export interface LearningRateOptions {
  /** The name of the step metric. Default `learningRate`. */
  readonly name?: string;
}

export const learningRateRules: Rules<LearningRateOptions> = { name: aString };

const checkMonitorLearningRate = signature('monitorLearningRate', { rate: aRate }, learningRateRules);

/**
 * Passes its input on and reports a rate as a step metric: give it the rate of the optimizer, as in
 * `chain(adam(rate), monitorLearningRate(rate))`. Logs, pages and Prometheus then have it for each step.
 */
export function monitorLearningRate(
  rate: number | Schedule,
  options: LearningRateOptions = {},
): GradientTransformation<LearningRateState> {
  checkMonitorLearningRate(rate, options);
  if (typeof rate === 'number') check('monitorLearningRate', 'finite', { rate });
  const { name = 'learningRate' } = options;
  const reported = (value: Tensor): LearningRateState => ({ stepMetrics: { [name]: value } });
  const link: GradientTransformation<LearningRateState> = {
    init: (params) => reported(zeros([], dtypeOf(params))),
    update(grads, _state, _params, { step, totalSteps }) {
      const dtype = dtypeOf(grads);
      const value = typeof rate === 'number' ? asTensor(rate, dtype) : rate(step.cast(dtype), totalSteps);
      return [grads, reported(value.cast(dtype))];
    },
  };
  return overTrained(link);
}
