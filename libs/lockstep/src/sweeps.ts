/** The words of a sweep file. */
import {
  choice,
  cmaEs,
  gaussianProcess,
  grid,
  integer,
  latinHypercube,
  logUniform,
  oneOf,
  random,
  sobol,
  tpe,
  uniform,
} from '@lockstep/search';

/** What a sweep may set a parameter to: `{ rate: space.logUniform(1e-3, 1), width: space.choice([64, 128]) }`. */
export const space = { choice, integer, uniform, logUniform, oneOf } as const;

/** How a sweep chooses its trials: `search.tpe()`. */
export const search = { grid, random, sobol, latinHypercube, tpe, gaussianProcess, cmaEs } as const;
