/** A rate that falls when the training loss stops falling. */
import { full, type Tensor, where, zerosLike } from '@lockstep/autodiff';
import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { overTrained } from './trained.ts';
import { choose, dtypeOf, type GradientTransformation } from './transformation.ts';

/** Scalars. [] */
export type PlateauState = {
  /** The factor of updates. */
  readonly scale: Tensor;
  /** The lowest loss so far. */
  readonly best: Tensor;
  /** Consecutive rounds without a better loss. */
  readonly numBad: Tensor;
  /** Remaining rounds in which bad rounds do not count. */
  readonly cooldownLeft: Tensor;
  /** The current round: the mean loss of its samples, their number, and the number of its steps. */
  readonly mean: Tensor;
  readonly samples: Tensor;
  readonly count: Tensor;
};

export interface PlateauOptions {
  /** The factor of the scale at a plateau. Default 0.1. */
  readonly factor?: number;
  /** The number of consecutive rounds without a better loss that do not lower the scale. Default 10. */
  readonly patience?: number;
  /** A loss is better if it is below best·(1 − relativeTolerance) − absoluteTolerance. Default 1e-4. */
  readonly relativeTolerance?: number;
  /** See `relativeTolerance`. Default 0. */
  readonly absoluteTolerance?: number;
  /** Rounds after a plateau in which bad rounds do not count. Default 0. */
  readonly cooldown?: number;
  /** Steps per round, whose mean loss is compared: those of an epoch, or enough to average out the noise. Default 1. */
  readonly every?: number;
  /** A lower bound of the scale. Default 0. */
  readonly minScale?: number;
}

export const plateauRules: Rules<PlateauOptions> = {
  factor: aNumber,
  patience: aNumber,
  relativeTolerance: aNumber,
  absoluteTolerance: aNumber,
  cooldown: aNumber,
  every: aNumber,
  minScale: aNumber,
};

const checkReduceOnPlateau = signature('reduceOnPlateau', {}, plateauRules);

/**
 * Multiplies updates by a scale that falls if the mean training loss of `patience` + 1 consecutive rounds is not
 * better than the best: PyTorch's `ReduceLROnPlateau` in mode `min`, with threshold mode `rel` or `abs` according to
 * the given tolerance. Needs the step's loss in {@link Progress}. Put it after the learning rate in a chain.
 */
export function reduceOnPlateau(options: PlateauOptions = {}): GradientTransformation<PlateauState> {
  checkReduceOnPlateau(options);
  const {
    factor = 0.1,
    patience = 10,
    relativeTolerance = 1e-4,
    absoluteTolerance = 0,
    cooldown = 0,
    every = 1,
    minScale = 0,
  } = options;
  check('reduceOnPlateau', 'decay', { factor });
  check('reduceOnPlateau', 'steps', { patience, cooldown });
  check('reduceOnPlateau', 'period', { every });
  check('reduceOnPlateau', 'notNegative', { absoluteTolerance });
  check('reduceOnPlateau', 'share', { relativeTolerance, minScale });

  /** The state after a round with this mean loss. */
  function judge(state: PlateauState, mean: Tensor): PlateauState {
    const better = mean.less(state.best.mul(1 - relativeTolerance).sub(absoluteTolerance));
    const stillCooling = state.cooldownLeft.greater(0);
    const numBad = where(stillCooling, 0, where(better, 0, state.numBad.add(1)));
    const reduces = numBad.greater(patience);
    return {
      scale: where(reduces, state.scale.mul(factor).maximum(minScale), state.scale),
      best: where(better, mean, state.best),
      numBad: where(reduces, 0, numBad),
      cooldownLeft: where(reduces, cooldown, state.cooldownLeft.sub(1).maximum(0)),
      mean: zerosLike(state.mean),
      samples: zerosLike(state.samples),
      count: zerosLike(state.count),
    };
  }

  const link: GradientTransformation<PlateauState> = {
    init(params) {
      const dtype = dtypeOf(params);
      const [zero, one, infinity] = [0, 1, Number.POSITIVE_INFINITY].map((value) => full([], value, dtype));
      return {
        scale: one!,
        best: infinity!,
        numBad: zero!,
        cooldownLeft: zero!,
        mean: zero!,
        samples: zero!,
        count: zero!,
      };
    },
    update(updates, before, _params, { loss, samples: ofStep }) {
      if (loss === undefined) throw noLoss();
      const { dtype } = before.mean;
      const weight = ofStep?.cast(dtype) ?? full([], 1, dtype);
      const samples = before.samples.add(weight);
      const mean = before.mean.add(loss.cast(dtype).sub(before.mean).div(samples.div(weight)));
      const count = before.count.add(1);
      const next = choose(count.equal(every), judge(before, mean), { ...before, mean, samples, count });
      return [map((u) => u.mul(next.scale.cast(u.dtype)), updates), next];
    },
  };
  return overTrained(link);
}

const noLoss = (): LockstepError =>
  new LockstepError(
    'argument',
    'reduceOnPlateau: the progress has no loss; give update(…) { step, totalSteps, loss } with the mean training loss of the step',
    {},
  );
