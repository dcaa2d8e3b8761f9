/** Common optimizers, as chains of transformations. A learning rate is a number or a schedule. */

import { aBoolean, aFunction, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import {
  type AdadeltaLinkOptions,
  type AdadeltaState,
  type AdagradLinkOptions,
  type AdagradState,
  adadeltaLinkRules,
  adagradLinkRules,
  type LionLinkOptions,
  type LionState,
  lionLinkRules,
  type MomentumOptions,
  type MomentumState,
  momentumRules,
  type RmsOptions,
  type RmsState,
  rmsRules,
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByLion,
  scaleByRms,
  traceMomentum,
} from './accumulators.ts';
import { check } from './checks.ts';
import { aRate } from './kinds.ts';
import { type Mask, masked } from './masks.ts';
import {
  type AdamaxState,
  type AdamOptions,
  type AdamState,
  adamRules,
  type MomentsOptions,
  momentsRules,
  type NadamOptions,
  type NadamState,
  nadamRules,
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
  trustRatioRules,
  withDecayedWeights,
} from './scaling.ts';
import { inverseTimeDecay, type Schedule } from './schedule.ts';
import { chain, type Empty, type GradientTransformation, identity } from './transformation.ts';

type Rate = number | Schedule;

/** Weight decay as part of the gradient, so that moments and momentum include it: PyTorch's `weight_decay`. */
export interface CoupledDecay {
  /** Adds weightDecay·w to the gradient. Default 0. */
  readonly weightDecay?: number;
}

export const coupledDecayRules: Rules<CoupledDecay> = { weightDecay: aNumber };

/** Weight decay decoupled from the gradient (Loshchilov and Hutter, 2019). */
export interface DecoupledDecay {
  /** Adds weightDecay·w to the step before it is multiplied by the rate. */
  readonly weightDecay?: number;
  /**
   * The parameters that decay, by path and shape: `(path, shape) => shape.length > 1` excludes biases and scales.
   * Default: all.
   */
  readonly mask?: Mask;
}

export const decoupledDecayRules: Rules<DecoupledDecay> = { weightDecay: aNumber, mask: aFunction };

const chosen = <S>(link: GradientTransformation<S>, mask: Mask | undefined): GradientTransformation<S> =>
  mask === undefined ? link : masked(link, mask);

export interface SgdOptions extends MomentumOptions, CoupledDecay {
  /** The fraction of the last update that is kept: a number or a schedule. Default 0. */
  readonly momentum?: number | Schedule;
}

export const sgdRules: Rules<SgdOptions> = { ...momentumRules, ...coupledDecayRules, momentum: aRate };

const checkSgd = signature('sgd', { rate: aRate }, sgdRules);

/** Stochastic gradient descent: v = momentum·v + (1 − dampening)·g; w = w − rate·v. */
export function sgd(
  rate: Rate,
  options: SgdOptions = {},
): GradientTransformation<readonly [Empty, MomentumState | Empty, Empty]> {
  checkSgd(rate, options);
  const { momentum = 0, weightDecay = 0, nesterov = false, dampening = 0 } = options;
  checkCommon('sgd', rate, weightDecay);
  return chain(
    weightDecay === 0 ? identity : addDecayedWeights(weightDecay),
    momentum === 0 && !nesterov && dampening === 0
      ? identity
      : traceMomentum(momentum, { nesterov, dampening }),
    scaleByLearningRate(rate),
  );
}

const checkAdam = signature('adam', { rate: aRate }, { ...adamRules, ...coupledDecayRules });

/** Adam: w = w − rate·m̂/(√v̂ + ε) (Kingma and Ba, 2015). */
export function adam(
  rate: Rate,
  given: AdamOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamState, Empty]> {
  checkAdam(rate, given);
  const { weightDecay = 0, ...options } = given;
  checkCommon('adam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdam(options)), scaleByLearningRate(rate));
}

const checkAmsgrad = signature('amsgrad', { rate: aRate }, { ...momentsRules, ...coupledDecayRules });

/** {@link adam} that divides by the maximum of the second moments so far (Reddi et al., 2018). */
export function amsgrad(
  rate: Rate,
  options: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamState, Empty]> {
  checkAmsgrad(rate, options);
  return adam(rate, { ...options, amsgrad: true });
}

/** The options of `adamw`; the default of `weightDecay` is 0.01. */
export interface AdamWOptions extends AdamOptions, DecoupledDecay {}

export const adamWRules: Rules<AdamWOptions> = { ...adamRules, ...decoupledDecayRules };

const checkAdamw = signature('adamw', { rate: aRate }, adamWRules);

/** Adam with decoupled weight decay: w = w − rate·(m̂/(√v̂ + ε) + weightDecay·w) (Loshchilov and Hutter, 2019). */
export function adamw(
  rate: Rate,
  given: AdamWOptions = {},
): GradientTransformation<readonly [AdamState, Empty, Empty]> {
  checkAdamw(rate, given);
  const { weightDecay = 0.01, mask, ...options } = given;
  checkCommon('adamw', rate, weightDecay);
  return chain(scaleByAdam(options), chosen(addDecayedWeights(weightDecay), mask), scaleByLearningRate(rate));
}

const checkNadam = signature('nadam', { rate: aRate }, { ...nadamRules, ...coupledDecayRules });

/** Adam with Nesterov's momentum (Dozat, 2016). */
export function nadam(
  rate: Rate,
  given: NadamOptions & CoupledDecay = {},
): GradientTransformation<readonly [NadamState, Empty]> {
  checkNadam(rate, given);
  const { weightDecay = 0, ...options } = given;
  checkCommon('nadam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByNadam(options)), scaleByLearningRate(rate));
}

const checkRadam = signature('radam', { rate: aRate }, { ...momentsRules, ...coupledDecayRules });

/** Adam with a rectified variance (Liu et al., 2020). */
export function radam(
  rate: Rate,
  given: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [RadamState, Empty]> {
  checkRadam(rate, given);
  const { weightDecay = 0, ...options } = given;
  checkCommon('radam', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByRadam(options)), scaleByLearningRate(rate));
}

const checkAdamax = signature('adamax', { rate: aRate }, { ...momentsRules, ...coupledDecayRules });

/** Adam with the infinity norm (Kingma and Ba, 2015). */
export function adamax(
  rate: Rate,
  given: MomentsOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdamaxState, Empty]> {
  checkAdamax(rate, given);
  const { weightDecay = 0, ...options } = given;
  checkCommon('adamax', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdamax(options)), scaleByLearningRate(rate));
}

export interface RmspropOptions extends RmsOptions, CoupledDecay {
  /** Momentum of the scaled gradients. Default 0. */
  readonly momentum?: number;
}

export const rmspropRules: Rules<RmspropOptions> = { ...rmsRules, ...coupledDecayRules, momentum: aNumber };

const checkRmsprop = signature('rmsprop', { rate: aRate }, rmspropRules);

/** RMSprop: v = momentum·v + g/(√s + ε); w = w − rate·v (Tieleman and Hinton, 2012; Graves, 2013). */
export function rmsprop(
  rate: Rate,
  given: RmspropOptions = {},
): GradientTransformation<readonly [RmsState, MomentumState | Empty, Empty]> {
  checkRmsprop(rate, given);
  const { momentum = 0, weightDecay = 0, ...options } = given;
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

export const adagradRules: Rules<AdagradOptions> = {
  ...adagradLinkRules,
  ...coupledDecayRules,
  rateDecay: aNumber,
};

const checkAdagrad = signature('adagrad', { rate: aRate }, adagradRules);

/** Adagrad: w = w − rate·g/(√Σg² + ε) (Duchi et al., 2011). */
export function adagrad(
  rate: Rate,
  given: AdagradOptions = {},
): GradientTransformation<readonly [AdagradState, Empty, Empty]> {
  checkAdagrad(rate, given);
  const { rateDecay = 0, weightDecay = 0, ...options } = given;
  checkCommon('adagrad', rate, weightDecay);
  check('adagrad', 'notNegative', { rateDecay });
  return chain(
    withDecayedWeights(weightDecay, scaleByAdagrad(options)),
    rateDecay === 0 ? identity : scaleBySchedule(inverseTimeDecay({ initial: 1, decay: rateDecay })),
    scaleByLearningRate(rate),
  );
}

const checkAdadelta = signature('adadelta', { rate: aRate }, { ...adadeltaLinkRules, ...coupledDecayRules });

/** Adadelta, usually with a rate of 1 (Zeiler, 2012). */
export function adadelta(
  rate: Rate,
  given: AdadeltaLinkOptions & CoupledDecay = {},
): GradientTransformation<readonly [AdadeltaState, Empty]> {
  checkAdadelta(rate, given);
  const { weightDecay = 0, ...options } = given;
  checkCommon('adadelta', rate, weightDecay);
  return chain(withDecayedWeights(weightDecay, scaleByAdadelta(options)), scaleByLearningRate(rate));
}

/** The options of `lion`; the default of `weightDecay` is 0. */
export interface LionOptions extends LionLinkOptions, DecoupledDecay {}

export const lionRules: Rules<LionOptions> = { ...lionLinkRules, ...decoupledDecayRules };

const checkLion = signature('lion', { rate: aRate }, lionRules);

/**
 * Lion: w = w − rate·(sign(β₁·m + (1 − β₁)·g) + weightDecay·w) (Chen et al., 2023). Use a rate 3 to 10 times below
 * Adam's.
 */
export function lion(
  rate: Rate,
  given: LionOptions = {},
): GradientTransformation<readonly [LionState, Empty, Empty]> {
  checkLion(rate, given);
  const { weightDecay = 0, mask, ...options } = given;
  checkCommon('lion', rate, weightDecay);
  return chain(scaleByLion(options), chosen(addDecayedWeights(weightDecay), mask), scaleByLearningRate(rate));
}

export interface LarsOptions extends TrustRatioOptions {
  /** Momentum. Default 0.9. */
  readonly momentum?: number;
  /** Whether to look ahead along the momentum. Default false. */
  readonly nesterov?: boolean;
  /**
   * The parameters with weight decay and a rate of their own, by path and shape; the others take plain steps.
   * Default: all.
   */
  readonly mask?: Mask;
}

export const larsRules: Rules<LarsOptions> = {
  ...trustRatioRules,
  momentum: aNumber,
  nesterov: aBoolean,
  mask: aFunction,
};

const checkLars = signature('lars', { rate: aRate }, larsRules);

/**
 * Layer-wise adaptive rates: v = momentum·v + rate·λ·(g + β·w) with λ = η·‖w‖/(‖g‖ + β·‖w‖); w = w − v (You et al.,
 * 2017, algorithm 1). η is `coefficient` (default 0.001) and β is `weightDecay`.
 */
export function lars(
  rate: Rate,
  options: LarsOptions = {},
): GradientTransformation<readonly [Empty, Empty, MomentumState]> {
  checkLars(rate, options);
  const {
    momentum = 0.9,
    nesterov = false,
    mask,
    coefficient = 0.001,
    weightDecay = 0,
    epsilon = 0,
  } = options;
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
  /**
   * The parameters with weight decay and a rate of their own, by path and shape; the others take Adam's steps.
   * Default: all.
   */
  readonly mask?: Mask;
}

export const lambRules: Rules<LambOptions> = { ...momentsRules, weightDecay: aNumber, mask: aFunction };

const checkLamb = signature('lamb', { rate: aRate }, lambRules);

/**
 * LAMB: with u = m̂/(√v̂ + ε) + weightDecay·w, w = w − rate·‖w‖/‖u‖·u (You et al., 2020, algorithm 2). The default of
 * ε is 1e-6.
 */
export function lamb(
  rate: Rate,
  given: LambOptions = {},
): GradientTransformation<readonly [AdamState, readonly [Empty, Empty], Empty]> {
  checkLamb(rate, given);
  const { weightDecay = 0.01, mask, epsilon = 1e-6, ...options } = given;
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
