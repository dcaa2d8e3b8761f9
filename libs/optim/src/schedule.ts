/**
 * Learning rates as functions of the step. They are computed in float32 by our own ops, so that a rate is the same
 * bits everywhere; steps are exact up to 2²⁴.
 */
import { asTensor, cos, exp, log, type Tensor, where } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';

/** The learning rate of an update: step counts committed updates from 0 (float32 []), totalSteps is the run's length. */
export type Schedule = (step: Tensor, totalSteps: number) => Tensor;

export const constant =
  (rate: number): Schedule =>
  (step) =>
    asTensor(rate, step.dtype);

export interface WarmupOptions {
  /** The highest rate. */
  readonly peak: number;
  /** Updates until it is reached; 0 for none. */
  readonly warmupSteps: number;
}

/** Rises from peak/warmupSteps, so that no update is lost, to `peak` in `warmupSteps` updates and stays there. */
export function linearWarmup({ peak, warmupSteps }: WarmupOptions): Schedule {
  requireSteps('linearWarmup', 'warmupSteps', warmupSteps, 0);
  return (step) => step.add(1).div(Math.max(1, warmupSteps)).minimum(1).mul(peak);
}

export interface CosineOptions {
  /** The rate at the start of the decay. */
  readonly peak: number;
  /** The update at which `end` is reached. Default: the end of the run. */
  readonly totalSteps?: number;
  /** The rate at the end. Default 0. */
  readonly end?: number;
}

/** Falls from `peak` to `end` along half a cosine (Loshchilov and Hutter, 2017). */
export const cosine = (options: CosineOptions): Schedule => cosineFrom(0, options);

/** {@link linearWarmup}, then {@link cosine} over the rest of the run. */
export function warmupCosine(options: CosineOptions & WarmupOptions): Schedule {
  const { warmupSteps } = options;
  const rise = linearWarmup(options);
  const fall = cosineFrom(warmupSteps, options);
  return (step, totalSteps) => where(step.less(warmupSteps), rise(step, totalSteps), fall(step, totalSteps));
}

function cosineFrom(start: number, { peak, totalSteps, end = 0 }: CosineOptions): Schedule {
  if (totalSteps !== undefined) requireSteps('cosine', 'totalSteps', totalSteps, 1);
  return (step, runSteps) => {
    const length = Math.max(1, (totalSteps ?? runSteps) - start);
    const progress = step.sub(start).div(length).maximum(0).minimum(1);
    return cos(progress.mul(Math.PI))
      .add(1)
      .mul((peak - end) / 2)
      .add(end);
  };
}

export interface ExponentialDecayOptions {
  readonly initial: number;
  /** What the rate is multiplied by in `every` updates. */
  readonly factor: number;
  readonly every: number;
}

/** initial·factor^(step/every), a smooth curve. */
export function exponentialDecay({ initial, factor, every }: ExponentialDecayOptions): Schedule {
  requireDecay('exponentialDecay', factor, every);
  return (step) => power(factor, step.div(every)).mul(initial);
}

/** initial·factor^⌊step/every⌋: a jump every `every` updates. */
export function stepDecay({ initial, factor, every }: ExponentialDecayOptions): Schedule {
  requireDecay('stepDecay', factor, every);
  return (step) => power(factor, step.div(every).floor()).mul(initial);
}

/** base^exponent for a positive base. */
const power = (base: number, exponent: Tensor): Tensor =>
  exp(exponent.mul(log(asTensor(base, exponent.dtype))));

function requireDecay(schedule: string, factor: number, every: number): void {
  requireSteps(schedule, 'every', every, 1);
  if (factor > 0) return;
  throw new LockstepError(
    'argument',
    `${schedule}: the factor is ${factor}; it must be greater than 0, and below 1 to decay`,
    { factor },
  );
}

function requireSteps(schedule: string, name: string, steps: number, least: number): void {
  if (Number.isInteger(steps) && steps >= least) return;
  throw new LockstepError(
    'argument',
    `${schedule}: ${name} is ${steps}; it must be a whole number ≥ ${least}`,
    { name, steps },
  );
}
