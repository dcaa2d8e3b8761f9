/** The words of a sweep file. */
import {
  choice,
  cmaEs,
  gaussianProcess,
  grid,
  hyperband,
  integer,
  latinHypercube,
  logUniform,
  oneOf,
  random,
  sobol,
  successiveHalving,
  tpe,
  uniform,
} from '@lockstep/search';
import { median } from '@lockstep/sweep';

/** What a sweep may set a parameter to: `{ rate: space.logUniform(1e-3, 1), width: space.choice([64, 128]) }`. */
export const space = { choice, integer, uniform, logUniform, oneOf } as const;

/** How a sweep chooses its trials: `search.tpe()`. */
export const search = { grid, random, sobol, latinHypercube, tpe, gaussianProcess, cmaEs } as const;

/** When trials of a sweep are stopped before their end: `stopping.hyperband({ min: 20, max: 180 })`. */
export const stopping = { successiveHalving, hyperband, median } as const;
