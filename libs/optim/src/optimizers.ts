/** The usual optimizers, as chains of transformations. A learning rate is a number or a schedule. */
import { LockstepError } from '@lockstep/errors';
import {
  type AdadeltaLinkOptions,
  type AdadeltaState,
  type AdagradLinkOptions,
  type AdagradState,
  type LionLinkOptions,
  type LionState,
  type MomentumOptions,
  type MomentumState,
  type RmsOptions,
  type RmsState,
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByLion,
  scaleByRms,
  traceMomentum,
} from './accumulators.ts';
import { check } from './checks.ts';
import { type Mask, masked } from './masks.ts';
import {
  type AdamaxState,
  type AdamOptions,
  type AdamState,
  type MomentsOptions,
  type NadamOptions,
  type NadamState,
  type RadamState,
  scaleByAdam,
  scaleByAdamax,
  scaleByNadam,
  scaleByRadam,
} from './moments.ts';
import {
  addDecayedWeights,
  scaleByLearningRate,
  scaleBySchedule,
  scaleByTrustRatio,
  type TrustRatioOptions,
  withDecayedWeights,
} from './scaling.ts';
import { inverseTimeDecay, type Schedule } from './schedule.ts';
import { chain, type Empty, type GradientTransformation, identity } from './transformation.ts';

type Rate = number | Schedule;

/** Weight decay as a part of the gradient, which moments and momentum then see: PyTorch's `weight_decay`. */
export interface CoupledDecay {
  /** Adds weightDecay·w to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** Weight decay apart from the gradient (Loshchilov and Hutter, 2019). */
export interface DecoupledDecay {
  /** Adds weightDecay·w to the step before the rate. */
  readonly weightDecay?: number;
  /** Which parameters decay, by path and shape: `(path, shape) => shape.length > 1` leaves out biases and scales. Default: all. */
  readonly mask?: Mask;
}

const chosen = <S>(link: GradientTransformation<S>, mask: Mask | undefined): GradientTransformation<S> =>
  mask === undefined ? link : masked(link, mask);

export interface SgdOptions extends MomentumOptions, CoupledDecay {
  /** What is kept of the last update's direction: a number or a schedule. Default 0. */
  readonly momentum?: number | Schedule;
}

/** Stochastic gradient descent: v = momentum·v + (1 − dampening)·g; w = w − rate·v. */
export function sgd(
  rate: Rate,
  { momentum = 0, weightDecay = 0, nesterov = false, dampening = 0 }: SgdOptions = {},
): GradientTransformation<readonly [Empty, MomentumState | Empty, Empty]> {
  checkCommon('sgd', rate, weightDecay);
  return chain(
    weightDecay === 0 ? identity : addDecayedWeights(weightDecay),
    momentum === 0 && !nesterov && dampening === 0
      ? identity
      : traceMomentum(momentum, { nesterov, dampening }),
    scaleByLearningRate(rate),
  );
}

/** Adam: w = w − rate·m̂/(√v̂ + ε) (Kingma and Ba, 2015). */
export function adam(
  rate: Rate,
  { weightDecay = 0, ...options }: AdamOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamState, Empty]> {
  checkCommon('adam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdam(options)), scaleByLearningRate(rate));
}

/** {@link adam} that divides by the largest second moment so far (Reddi et al., 2018). */
export const amsgrad = (
  rate: Rate,
  options: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamState, Empty]> => adam(rate, { ...options, amsgrad: true });

/** `weightDecay` is 0.01 by default. */
export interface AdamWOptions extends AdamOptions, DecoupledDecay {}

/** Adam with weight decay apart from the gradient: w = w − rate·(m̂/(√v̂ + ε) + weightDecay·w) (Loshchilov and Hutter, 2019). */
export function adamw(
  rate: Rate,
  { weightDecay = 0.01, mask, ...options }: AdamWOptions = {},
): GradientTransformation<readonly [AdamState, Empty, Empty]> {
  checkCommon('adamw', rate, weightDecay);
  return chain(scaleByAdam(options), chosen(addDecayedWeights(weightDecay), mask), scaleByLearningRate(rate));
}

/** Adam with Nesterov's momentum (Dozat, 2016). */
export function nadam(
  rate: Rate,
  { weightDecay = 0, ...options }: NadamOptions & CoupledDecay = {},
): GradientTransformation<readonly [NadamState, Empty]> {
  checkCommon('nadam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByNadam(options)), scaleByLearningRate(rate));
}

/** Adam with its variance rectified (Liu et al., 2020). */
export function radam(
  rate: Rate,
  { weightDecay = 0, ...options }: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [RadamState, Empty]> {
  checkCommon('radam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByRadam(options)), scaleByLearningRate(rate));
}

/** Adam by the infinity norm (Kingma and Ba, 2015). */
export function adamax(
  rate: Rate,
  { weightDecay = 0, ...options }: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamaxState, Empty]> {
  checkCommon('adamax', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdamax(options)), scaleByLearningRate(rate));
}

export interface RmspropOptions extends RmsOptions, CoupledDecay {
  /** Momentum over the scaled gradients. Default 0. */
  readonly momentum?: number;
}

/** RMSprop: v = momentum·v + g/(√s + ε); w = w − rate·v (Tieleman and Hinton, 2012; Graves, 2013). */
export function rmsprop(
  rate: Rate,
  { momentum = 0, weightDecay = 0, ...options }: RmspropOptions = {},
): GradientTransformation<readonly [RmsState, MomentumState | Empty, Empty]> {
  checkCommon('rmsprop', rate, weightDecay);
  return chain(
    withDecayedWeights(weightDecay, scaleByRms(options)),
    momentum === 0 ? identity : traceMomentum(momentum),
    scaleByLearningRate(rate),
  );
}

export interface AdagradOptions extends AdagradLinkOptions, CoupledDecay {
  /** Divides the rate by 1 + rateDecay·step. Default 0. */
  readonly rateDecay?: number;
}

/** Adagrad: w = w − rate·g/(√Σg² + ε) (Duchi et al., 2011). */
export function adagrad(
  rate: Rate,
  { rateDecay = 0, weightDecay = 0, ...options }: AdagradOptions = {},
): GradientTransformation<readonly [AdagradState, Empty, Empty]> {
  checkCommon('adagrad', rate, weightDecay);
  check('adagrad', 'notNegative', { rateDecay });
  return chain(
    withDecayedWeights(weightDecay, scaleByAdagrad(options)),
    rateDecay === 0 ? identity : scaleBySchedule(inverseTimeDecay({ initial: 1, decay: rateDecay })),
    scaleByLearningRate(rate),
  );
}

/** Adadelta, whose rate is usually 1 (Zeiler, 2012). */
export function adadelta(
  rate: Rate,
  { weightDecay = 0, ...options }: AdadeltaLinkOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdadeltaState, Empty]> {
  checkCommon('adadelta', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdadelta(options)), scaleByLearningRate(rate));
}

/** `weightDecay` is 0 by default. */
export interface LionOptions extends LionLinkOptions, DecoupledDecay {}

/** Lion: w = w − rate·(sign(β₁·m + (1 − β₁)·g) + weightDecay·w) (Chen et al., 2023). Its rate is 3 to 10 times below Adam's. */
export function lion(
  rate: Rate,
  { weightDecay = 0, mask, ...options }: LionOptions = {},
): GradientTransformation<readonly [LionState, Empty, Empty]> {
  checkCommon('lion', rate, weightDecay);
  return chain(scaleByLion(options), chosen(addDecayedWeights(weightDecay), mask), scaleByLearningRate(rate));
}

export interface LarsOptions extends TrustRatioOptions {
  /** Default 0.9. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
  /** Which parameters decay and get a rate of their own, by path and shape; the others take plain steps. Default: all. */
  readonly mask?: Mask;
}

/**
 * Layer-wise adaptive rates: v = momentum·v + rate·λ·(g + β·w) with λ = η·‖w‖/(‖g‖ + β·‖w‖); w = w − v
 * (You et al., 2017, algorithm 1). η is `coefficient`, by default 0.001, and β `weightDecay`.
 */
export function lars(
  rate: Rate,
  {
    momentum = 0.9,
    nesterov = false,
    mask,
    coefficient = 0.001,
    weightDecay = 0,
    epsilon = 0,
  }: LarsOptions = {},
): GradientTransformation<readonly [Empty, Empty, MomentumState]> {
  checkCommon('lars', rate, weightDecay);
  return chain(
    chosen(scaleByTrustRatio({ coefficient, weightDecay, epsilon }), mask),
    scaleByLearningRate(rate),
    traceMomentum(momentum, { nesterov }),
  );
}

export interface LambOptions extends MomentsOptions {
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay and get a rate of their own, by path and shape; the others take Adam's steps. Default: all. */
  readonly mask?: Mask;
}

/** LAMB: with u = m̂/(√v̂ + ε) + weightDecay·w, w = w − rate·‖w‖/‖u‖·u (You et al., 2020, algorithm 2). ε is 1e-6 by default. */
export function lamb(
  rate: Rate,
  { weightDecay = 0.01, mask, epsilon = 1e-6, ...options }: LambOptions = {},
): GradientTransformation<readonly [AdamState, readonly [Empty, Empty], Empty]> {
  checkCommon('lamb', rate, weightDecay);
  return chain(
    scaleByAdam({ epsilon, ...options }),
    chosen(chain(addDecayedWeights(weightDecay), scaleByTrustRatio()), mask),
    scaleByLearningRate(rate),
  );
}

function checkCommon(optimizer: string, rate: Rate, weightDecay: number): void {
  check(optimizer, 'notNegative', { weightDecay });
  if (typeof rate === 'function' || (Number.isFinite(rate) && rate >= 0)) return;
  throw new LockstepError(
    'argument',
    `${optimizer}: the learning rate is ${rate}; give a number ≥ 0 or a schedule`,
    { rate },
  );
}
