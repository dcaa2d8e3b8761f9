/**
 * Learning rates as functions of the step. Our own ops compute them in the step's precision, which is float32 in a
 * run, so a rate has the same bits everywhere. Steps are exact up to 2²⁴.
 */

import { asTensor, cos, exp, log, type Tensor, where } from '@lockstep/autodiff';
import { aNumber, LockstepError, listOf, type Rules, required, signature } from '@lockstep/errors';
import { check } from './checks.ts';
import { aTensor } from './kinds.ts';

/**
 * The learning rate of an update: `step` is the number of committed updates (a float, []), `totalSteps` the run's
 * length.
 */
export type Schedule = (step: Tensor, totalSteps: number) => Tensor;

/** A schedule that checks its arguments. */
export function scheduled(owner: string, schedule: Schedule): Schedule {
  const check = signature(`a schedule of ${owner}`, { step: aTensor, totalSteps: aNumber });
  return (step, totalSteps) => {
    check(step, totalSteps);
    return schedule(step, totalSteps);
  };
}

const checkConstant = signature('constant', { rate: aNumber });

/** The same rate at every step. */
export function constant(rate: number): Schedule {
  checkConstant(rate);
  check('constant', 'finite', { rate });
  return scheduled('constant', (step) => asTensor(rate, step.dtype));
}

export interface WarmupOptions {
  /** The highest rate. */
  readonly peak: number;
  /** Updates of the rise; 0 for none. */
  readonly warmupSteps: number;
}

export const warmupRules: Rules<WarmupOptions> = { peak: required(aNumber), warmupSteps: required(aNumber) };

const checkLinearWarmup = signature('linearWarmup', {}, warmupRules);

/** Rises from peak/warmupSteps to `peak` in `warmupSteps` updates and stays there, so that no update has rate 0. */
export function linearWarmup(options: WarmupOptions): Schedule {
  checkLinearWarmup(options);
  const { peak, warmupSteps } = options;
  check('linearWarmup', 'finite', { peak });
  check('linearWarmup', 'steps', { warmupSteps });
  return scheduled('linearWarmup', (step) => step.add(1).div(Math.max(1, warmupSteps)).minimum(1).mul(peak));
}

export interface CosineOptions {
  /** The rate at the start of the decay. */
  readonly peak: number;
  /** The update at which `end` is reached. Default: the end of the run. */
  readonly totalSteps?: number;
  /** The rate at the end. Default 0. */
  readonly end?: number;
}

export const cosineRules: Rules<CosineOptions> = {
  peak: required(aNumber),
  totalSteps: aNumber,
  end: aNumber,
};

const checkCosine = signature('cosine', {}, cosineRules);

/** Falls from `peak` to `end` along half a cosine (Loshchilov and Hutter, 2017). */
export function cosine(options: CosineOptions): Schedule {
  checkCosine(options);
  return cosineFrom(0, options);
}

const checkWarmupCosine = signature('warmupCosine', {}, { ...cosineRules, ...warmupRules });

/** {@link linearWarmup}, then {@link cosine} over the rest of the run. */
export function warmupCosine(options: CosineOptions & WarmupOptions): Schedule {
  checkWarmupCosine(options);
  const { peak, warmupSteps } = options;
  const rise = linearWarmup({ peak, warmupSteps });
  const fall = cosineFrom(warmupSteps, options);
  return scheduled('warmupCosine', (step, totalSteps) =>
    where(step.less(warmupSteps), rise(step, totalSteps), fall(step, totalSteps)),
  );
}

function cosineFrom(start: number, { peak, totalSteps, end = 0 }: CosineOptions): Schedule {
  check('cosine', 'finite', { peak, end });
  if (totalSteps !== undefined) check('cosine', 'period', { totalSteps });
  return scheduled('cosine', (step, runSteps) => {
    const length = Math.max(1, (totalSteps ?? runSteps) - start);
    return halfCosine(peak, end, step.sub(start).div(length).maximum(0).minimum(1));
  });
}

/** From `start` to `end` along half a cosine, as `progress` goes from 0 to 1. */
export const halfCosine = (start: number, end: number, progress: Tensor): Tensor =>
  cos(progress.mul(Math.PI))
    .add(1)
    .mul((start - end) / 2)
    .add(end);

export interface PolynomialOptions {
  readonly initial: number;
  /** The rate at the end. Default 0. */
  readonly end?: number;
  /** The exponent. Default 1: a straight line. */
  readonly power?: number;
  /** The update at which `end` is reached. Default: the end of the run. */
  readonly totalSteps?: number;
}

export const polynomialRules: Rules<PolynomialOptions> = {
  initial: required(aNumber),
  end: aNumber,
  power: aNumber,
  totalSteps: aNumber,
};

const checkPolynomial = signature('polynomial', {}, polynomialRules);

/** (initial − end)·(1 − step/totalSteps)^power + end: rises or falls, then stays at `end`. */
export function polynomial(options: PolynomialOptions): Schedule {
  checkPolynomial(options);
  const { initial, end = 0, power: exponent = 1, totalSteps } = options;
  check('polynomial', 'finite', { initial, end });
  check('polynomial', 'positive', { power: exponent });
  if (totalSteps !== undefined) check('polynomial', 'period', { totalSteps });
  return scheduled('polynomial', (step, runSteps) => {
    const left = step
      .div(totalSteps ?? runSteps)
      .minimum(1)
      .neg()
      .add(1);
    return (exponent === 1 ? left : raise(left, exponent)).mul(initial - end).add(end);
  });
}

export interface ExponentialDecayOptions {
  readonly initial: number;
  /** The factor of the rate per `every` updates. */
  readonly factor: number;
  readonly every: number;
}

export const exponentialDecayRules: Rules<ExponentialDecayOptions> = {
  initial: required(aNumber),
  factor: required(aNumber),
  every: required(aNumber),
};

const checkExponentialDecay = signature('exponentialDecay', {}, exponentialDecayRules);

/** initial·factor^(step/every), a smooth curve. */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  checkExponentialDecay(options);
  const { initial, factor, every } = options;
  requireDecay('exponentialDecay', initial, factor, every);
  return scheduled('exponentialDecay', (step) => power(factor, step.div(every)).mul(initial));
}

const checkStepDecay = signature('stepDecay', {}, exponentialDecayRules);

/** initial·factor^⌊step/every⌋: the rate jumps every `every` updates. */
export function stepDecay(options: ExponentialDecayOptions): Schedule {
  checkStepDecay(options);
  const { initial, factor, every } = options;
  requireDecay('stepDecay', initial, factor, every);
  return scheduled('stepDecay', (step) => power(factor, step.div(every).floor()).mul(initial));
}

export interface MultiStepDecayOptions {
  readonly initial: number;
  /** The factor of the rate at each update in `at`. */
  readonly factor: number;
  /** The updates, in increasing order. */
  readonly at: readonly number[];
}

export const multiStepDecayRules: Rules<MultiStepDecayOptions> = {
  initial: required(aNumber),
  factor: required(aNumber),
  at: required(listOf(aNumber, 'a list of numbers')),
};

const checkMultiStepDecay = signature('multiStepDecay', {}, multiStepDecayRules);

/** Multiplies the rate by `factor` at the given updates. */
export function multiStepDecay(options: MultiStepDecayOptions): Schedule {
  checkMultiStepDecay(options);
  const { initial, factor, at } = options;
  check('multiStepDecay', 'finite', { initial });
  check('multiStepDecay', 'positive', { factor });
  requireRising('multiStepDecay', 'at', at);
  return scheduled('multiStepDecay', (step) => {
    let [rate, value] = [asTensor(initial, step.dtype), initial];
    for (const start of at) {
      value *= factor;
      rate = where(step.greaterEqual(start), value, rate);
    }
    return rate;
  });
}

export interface InverseTimeDecayOptions {
  readonly initial: number;
  readonly decay: number;
}

export const inverseTimeDecayRules: Rules<InverseTimeDecayOptions> = {
  initial: required(aNumber),
  decay: required(aNumber),
};

const checkInverseTimeDecay = signature('inverseTimeDecay', {}, inverseTimeDecayRules);

/** initial/(1 + decay·step) */
export function inverseTimeDecay(options: InverseTimeDecayOptions): Schedule {
  checkInverseTimeDecay(options);
  const { initial, decay } = options;
  check('inverseTimeDecay', 'finite', { initial });
  check('inverseTimeDecay', 'notNegative', { decay });
  return scheduled('inverseTimeDecay', (step) => asTensor(initial, step.dtype).div(step.mul(decay).add(1)));
}

const checkInverseSquareRoot = signature('inverseSquareRoot', {}, warmupRules);

/**
 * Rises to `peak` in `warmupSteps` updates, then falls as 1/√step: peak·min(t/w, √(w/t)) with t = step + 1 (Vaswani
 * et al., 2017, equation 3; the Noam schedule, with peak = 1/√(modelSize·warmupSteps)).
 */
export function inverseSquareRoot(options: WarmupOptions): Schedule {
  checkInverseSquareRoot(options);
  const { peak, warmupSteps } = options;
  check('inverseSquareRoot', 'finite', { peak });
  check('inverseSquareRoot', 'period', { warmupSteps });
  return scheduled('inverseSquareRoot', (step) => {
    const ratio = step.add(1).div(warmupSteps);
    return ratio.minimum(ratio.reciprocal().sqrt()).mul(peak);
  });
}

/** base^exponent for a positive base. */
export const power = (base: number, exponent: Tensor): Tensor =>
  exp(exponent.mul(log(asTensor(base, exponent.dtype))));

/** base^exponent for a base > 0, or a base of 0 and a positive exponent. */
export const raise = (base: Tensor, exponent: number): Tensor => exp(log(base).mul(exponent));

function requireDecay(schedule: string, initial: number, factor: number, every: number): void {
  check(schedule, 'finite', { initial });
  check(schedule, 'period', { every });
  check(schedule, 'positive', { factor });
}

/** Checks updates at which something changes: increasing whole numbers ≥ 1. */
export function requireRising(schedule: string, name: string, steps: readonly number[]): void {
  steps.forEach((step, i) => {
    if (Number.isInteger(step) && step > (steps[i - 1] ?? 0)) return;
    throw new LockstepError(
      'argument',
      `${schedule}: ${name} is [${steps.join(', ')}]; give whole numbers ≥ 1, each greater than the one before`,
      { name, steps },
    );
  });
}
