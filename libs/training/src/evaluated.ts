/** Which parameters an evaluation uses: those that are trained, or their average in the optimizer's state. */
import type { Aval, Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { averageIn } from '@lockstep/optim';
import { flatten, frozenLeaves, leafPaths, unflatten } from '@lockstep/tree';
import type { Trees } from './trees.ts';

export interface Evaluated {
  /** What is read, as indices into params, state and optState: parameters, state, extra ones. */
  readonly indices: readonly number[];
  /** Further inputs, after the state. */
  readonly extra: readonly Aval[];
  /** The parameters' leaves, of those read and the extra ones. */
  paramsOf(leaves: readonly Tensor[], extra: readonly Tensor[]): readonly Tensor[];
}

/** The replica's parameters are the model's. */
export const asTheyAre: Pick<Evaluated, 'extra' | 'paramsOf'> = { extra: [], paramsOf: (leaves) => leaves };

/** Throws an `argument` error where there is no average, an `experiment` error where it covers a part of the model. */
export function evaluatedOf(trees: Trees, which: 'params' | 'average' = 'params'): Evaluated {
  const [numParams, numState] = [trees.params.variables.length, trees.state.variables.length];
  const range = (start: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => start + i);
  const state = range(numParams, numState);
  if (which === 'params') return { indices: [...range(0, numParams), ...state], ...asTheyAre };
  const { variables, structure } = trees.optState;
  const places = unflatten(structure, range(numParams + numState, variables.length));
  const { averagedParams, weight } = averageIn<number>(places);
  requireAllParams(trees, leafPaths(averagedParams));
  const isFrozen = frozenLeaves(averagedParams);
  return {
    indices: [...(flatten(averagedParams).leaves as number[]), ...state, weight],
    extra: [{ dtype: 'float32', shape: [] }],
    paramsOf: (sums, [total]) => sums.map((sum, i) => (isFrozen[i] ? sum : sum.div(total!))),
  };
}

function requireAllParams({ params }: Trees, averaged: readonly string[]): void {
  const missing = params.variables.find(({ name }) => !averaged.includes(name));
  if (missing === undefined) return;
  throw new LockstepError(
    'experiment',
    `evaluateWith: the average has no parameter ${missing.name}; put emaParams() or swaParams() at the end of the whole chain, outside of masked and multiTransform`,
    { name: missing.name },
  );
}
