/** Schedules that rise and fall: warm restarts, one cycle, triangles. */
import { type Tensor, where } from '@lockstep/autodiff';
import { aNumber, either, LockstepError, oneOf, type Rules, required, signature } from '@lockstep/errors';
import { check } from './checks.ts';
import { halfCosine, power, type Schedule, scheduled } from './schedule.ts';
import { modulo } from './transformation.ts';

export interface CosineRestartsOptions {
  /** The rate at the start of each period. */
  readonly peak: number;
  /** The rate at the end of each period. Default 0. */
  readonly end?: number;
  /** T₀: updates of the first period. */
  readonly period: number;
  /** Tₘᵤₗₜ: the ratio of the length of each period to the previous one; a whole number. Default 1. */
  readonly periodFactor?: number;
}

export const cosineRestartsRules: Rules<CosineRestartsOptions> = {
  peak: required(aNumber),
  end: aNumber,
  period: required(aNumber),
  periodFactor: aNumber,
};

const checkCosineRestarts = signature('cosineRestarts', {}, cosineRestartsRules);

/** Repeatedly falls from `peak` to `end` along half a cosine (Loshchilov and Hutter, 2017, equation 5). */
export function cosineRestarts(options: CosineRestartsOptions): Schedule {
  checkCosineRestarts(options);
  const { peak, end = 0, period, periodFactor = 1 } = options;
  check('cosineRestarts', 'finite', { peak, end });
  check('cosineRestarts', 'period', { period, periodFactor });
  return scheduled('cosineRestarts', (step, totalSteps) => {
    if (periodFactor === 1) return halfCosine(peak, end, modulo(step, period).div(period));
    // Periods grow so fast that a run has few, so their starts are computed before the run, as whole numbers.
    let [rate, start, length] = [halfCosine(peak, end, step.div(period)), period, period * periodFactor];
    while (start < totalSteps) {
      rate = where(step.greaterEqual(start), halfCosine(peak, end, step.sub(start).div(length)), rate);
      start += length;
      length *= periodFactor;
    }
    return rate;
  });
}

export interface OneCycleOptions {
  readonly peak: number;
  /** The end of the cycle, in updates. Default: the end of the run. */
  readonly totalSteps?: number;
  /** The fraction of the run in which the rate rises. Default 0.3. */
  readonly rise?: number;
  /** The first rate is peak/divisor. Default 25. */
  readonly divisor?: number;
  /** The last rate is peak/divisor/finalDivisor. Default 1e4. */
  readonly finalDivisor?: number;
  /** The curve between the rates. Default `cosine`. */
  readonly curve?: 'cosine' | 'linear';
  /** 3: falls to the first rate as fast as it rose, then to the last rate (Smith's original form). Default 2. */
  readonly phases?: 2 | 3;
}

export const oneCycleRules: Rules<OneCycleOptions> = {
  peak: required(aNumber),
  totalSteps: aNumber,
  rise: aNumber,
  divisor: aNumber,
  finalDivisor: aNumber,
  curve: oneOf('cosine', 'linear'),
  phases: either({ what: '2', fits: (value) => value === 2 }, { what: '3', fits: (value) => value === 3 }),
};

const checkOneCycle = signature('oneCycle', {}, oneCycleRules);

/** Rises to `peak` and falls to almost 0 in one run (Smith and Topin, 2019; the phases end as in PyTorch). */
export function oneCycle(options: OneCycleOptions): Schedule {
  checkOneCycle(options);
  const {
    peak,
    totalSteps,
    rise = 0.3,
    divisor = 25,
    finalDivisor = 1e4,
    curve = 'cosine',
    phases = 2,
  } = options;
  check('oneCycle', 'finite', { peak });
  check('oneCycle', 'positive', { divisor, finalDivisor });
  check('oneCycle', 'share', { rise });
  if (totalSteps !== undefined) check('oneCycle', 'period', { totalSteps });
  const first = peak / divisor;
  const last = first / finalDivisor;
  const curves = { cosine: halfCosine, linear: straight };
  return scheduled('oneCycle', (step, runSteps) => {
    const total = totalSteps ?? runSteps;
    const top = rise * total - 1;
    const corners = [
      { at: 0, rate: first },
      { at: top, rate: peak },
      ...(phases === 3 ? [{ at: 2 * top, rate: first }] : []),
      { at: total - 1, rate: last },
    ];
    const sides = corners.slice(1).map((to, i) => {
      const from = corners[i]!;
      const progress = step.sub(from.at).div(Math.max(to.at - from.at, 2 ** -24));
      return { until: to.at, rate: curves[curve](from.rate, to.rate, progress.maximum(0).minimum(1)) };
    });
    return sides
      .slice(0, -1)
      .reduceRight((later, side) => where(step.lessEqual(side.until), side.rate, later), sides.at(-1)!.rate);
  });
}

/** From `start` to `end`, as `progress` goes from 0 to 1. */
const straight = (start: number, end: number, progress: Tensor): Tensor =>
  progress.mul(end - start).add(start);

export interface CyclicOptions {
  readonly low: number;
  readonly high: number;
  /** Updates of the rise from `low` to `high`. Default 2000. */
  readonly stepsUp?: number;
  /** Updates of the fall. Default: as many as of the rise. */
  readonly stepsDown?: number;
  /**
   * How the height of cycles changes: not at all, by half per cycle, or by `decay` per update. Default `triangular`.
   */
  readonly mode?: 'triangular' | 'triangular2' | 'exponential';
  /** The factor per update, for mode `exponential`. Default 1. */
  readonly decay?: number;
}

export const cyclicRules: Rules<CyclicOptions> = {
  low: required(aNumber),
  high: required(aNumber),
  stepsUp: aNumber,
  stepsDown: aNumber,
  mode: oneOf('triangular', 'triangular2', 'exponential'),
  decay: aNumber,
};

const checkCyclic = signature('cyclic', {}, cyclicRules);

/** Rises and falls between `low` and `high` on straight lines (Smith, 2017). */
export function cyclic(options: CyclicOptions): Schedule {
  checkCyclic(options);
  const { low, high, stepsUp = 2000, stepsDown = stepsUp, mode = 'triangular', decay = 1 } = options;
  check('cyclic', 'finite', { low, high });
  check('cyclic', 'period', { stepsUp, stepsDown });
  check('cyclic', 'positive', { decay });
  if (decay !== 1 && mode !== 'exponential') {
    throw new LockstepError(
      'argument',
      `cyclic: decay is ${decay} in mode '${mode}', which has none; choose mode 'exponential' or leave it out`,
      { decay, mode },
    );
  }
  const length = stepsUp + stepsDown;
  return scheduled('cyclic', (step) => {
    const position = modulo(step, length);
    const up = position.div(stepsUp);
    const down = position.neg().add(length).div(stepsDown);
    const height = where(position.lessEqual(stepsUp), up, down).mul(high - low);
    switch (mode) {
      case 'triangular':
        return height.add(low);
      case 'triangular2':
        return height.mul(power(0.5, step.div(length).floor())).add(low);
      case 'exponential':
        return height.mul(power(decay, step)).add(low);
      default:
        return mode satisfies never;
    }
  });
}
