/** The parameters that an evaluation uses: the trained ones, or their average in the optimizer's state. */
import type { Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { averageIn } from '@lockstep/optim';
import { type Evaluated, placesOf, replicaGroups } from '@lockstep/run';
import { flatten, frozenLeaves, leafPaths, unflatten } from '@lockstep/tree';
import { type Trees, variablesOf } from './trees.ts';

/** The parameters' leaves, from the arrays that an evaluation reads. */
export type ParamsOf = (leaves: readonly Tensor[], averageWeight: readonly Tensor[]) => readonly Tensor[];

/** Evaluations use the parameters in the replica. */
const trainedParams: ParamsOf = (leaves) => leaves;

/** Throws `argument` if the optimizer keeps no average, `experiment` if the average lacks parameters. */
export function evaluatedOf(
  trees: Trees,
  which: 'params' | 'average' = 'params',
): { readonly evaluated: Evaluated; readonly paramsOf: ParamsOf } {
  const { params, state, optState } = placesOf(replicaGroups(variablesOf(trees)));
  if (which === 'params') return { evaluated: { params, state, averageWeight: [] }, paramsOf: trainedParams };
  const { averagedParams, weight } = averageIn<number>(unflatten(trees.optState.structure, optState));
  requireAllParams(trees, leafPaths(averagedParams));
  const isFrozen = frozenLeaves(averagedParams);
  return {
    evaluated: {
      params: flatten<unknown>(averagedParams).leaves as number[],
      state,
      averageWeight: [weight],
    },
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
