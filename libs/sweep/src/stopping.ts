/** Rules that stop trials before their end, and the steps at which they look. */
import {
  checkOptions,
  isPlainObject,
  type Kind,
  LockstepError,
  type Rules,
  required,
  whole,
} from '@lockstep/errors';
import type { HalvingPlan } from '@lockstep/search';

export interface MedianStoppingOptions {
  /** No trial is stopped before this step. */
  readonly min: number;
  /** The steps of a trial that is never stopped: the length of every run. */
  readonly max: number;
  /** Steps between two looks at a trial. Default: `min`. */
  readonly every?: number;
  /** How many trials of earlier generations must have come to a step. Default: 5. */
  readonly minTrials?: number;
}

/** A trial is stopped where its best value so far is worse than the median of earlier generations at the same step. */
export interface MedianRule extends Required<MedianStoppingOptions> {
  readonly name: 'median';
}

export type StoppingRule = HalvingPlan | MedianRule;

const rules: Rules<MedianStoppingOptions> = {
  min: required(whole(1)),
  max: required(whole(1)),
  every: whole(1),
  minTrials: whole(1),
};

/**
 * Stops a trial that is worse than half of those before it (Golovin et al., 2017). Trials of its own generation do not count, since
 * some of them may still run: each generation begins when the one before is recorded.
 *
 * @throws LockstepError `argument` for options that do not fit
 */
export function median(options: MedianStoppingOptions): MedianRule {
  checkOptions('median', options, rules);
  const { min, max, every = min, minTrials = 5 } = options;
  if (min > max) {
    const message = `median: min is ${min} and max is ${max}; exchange them?`;
    throw new LockstepError('argument', message, { min, max });
  }
  return { name: 'median', min, max, every, minTrials };
}

/** The steps at which the median rule looks, ascending; the last one is the end of the run. */
export function stepsOfMedian({ min, max, every }: MedianRule): readonly number[] {
  const looks = Array.from({ length: Math.ceil((max - min) / every) }, (_, i) => min + i * every);
  return [...looks, max];
}

export const aStoppingRule: Kind = {
  what: 'a rule, such as stopping.successiveHalving({ min: 20, max: 180 })',
  fits: (value) => isPlainObject(value) && (Array.isArray(value.brackets) || value.name === 'median'),
};
