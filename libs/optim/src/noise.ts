/** Noise on gradients: a function of (seed, step). */

import { foldIn, full, normal, stack } from '@lockstep/autodiff';
import { aNumber, type Rules, signature } from '@lockstep/errors';
import { flatten, leafPaths, unflatten } from '@lockstep/tree';
import { check } from './checks.ts';
import { raise } from './schedule.ts';
import { overTrained } from './trained.ts';
import { type Empty, type GradientTransformation, stateless } from './transformation.ts';

export interface GradientNoiseOptions {
  /** η: the variance at the first step. Default 0.01. */
  readonly variance?: number;
  /** γ: how fast the variance falls. Default 0.55. */
  readonly decay?: number;
  /** The seed of the noise. Default 0. */
  readonly seed?: number;
}

export const gradientNoiseRules: Rules<GradientNoiseOptions> = {
  variance: aNumber,
  decay: aNumber,
  seed: aNumber,
};

const checkAddGradientNoise = signature('addGradientNoise', {}, gradientNoiseRules);

/** Adds normal noise with variance η/(1 + t)^γ to each gradient (Neelakantan et al., 2015, equation 1). */
export function addGradientNoise(options: GradientNoiseOptions = {}): GradientTransformation<Empty> {
  checkAddGradientNoise(options);
  const { variance = 0.01, decay = 0.55, seed = 0 } = options;
  check('addGradientNoise', 'notNegative', { variance, decay });
  check('addGradientNoise', 'steps', { seed });
  const link = stateless((grads, _params, { step }) => {
    const key = stack([step.cast('uint32'), full([], seed, 'uint32')]);
    const deviation = raise(step.add(1), -decay / 2).mul(Math.sqrt(variance));
    const { leaves, structure } = flatten(grads);
    const paths = leafPaths(grads);
    const noisy = leaves.map((g, i) => {
      if (g.dtype !== 'float32' && g.dtype !== 'float64') return g;
      const noise = normal(foldIn(key, `gradient noise ${paths[i]}`), g.shape, g.dtype);
      return g.add(noise.mul(deviation.cast(g.dtype)));
    });
    return unflatten(structure, noisy);
  });
  return overTrained(link, { gives: 'gradients', adds: true });
}
