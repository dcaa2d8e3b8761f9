/** The trees that every worker holds a replica of, and their form, which never changes. */
import type { Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { TensorTree } from '@lockstep/optim';
import type { Variable } from '@lockstep/run';
import { firstDifference, flatten, leafPaths, type Structure } from '@lockstep/tree';

/** The form of a replicated tree; its arrays lie in the replica, in the order of its variables. */
export interface TreeForm {
  readonly structure: Structure;
  readonly variables: readonly Variable[];
}

export interface Trees {
  readonly params: TreeForm;
  readonly state: TreeForm;
  readonly optState: TreeForm;
}

/** The variables of each tree: what the replica consists of. */
export const variablesOf = ({ params, state, optState }: Trees) => ({
  params: params.variables,
  state: state.variables,
  optState: optState.variables,
});

export function formOf(tree: TensorTree): TreeForm {
  const { leaves, structure } = flatten(tree);
  const names = leafPaths(tree);
  const variables = leaves.map(({ dtype, shape }, i) => ({ name: names[i]!, dtype, shape }));
  return { structure, variables };
}

/** The leaves of a tree. Throws `experiment` unless the tree has the form that it had at step 0. */
export function leavesLike({ variables, structure }: TreeForm, tree: TensorTree): Tensor[] {
  const { leaves, structure: found } = flatten(tree);
  const differs = variables.findIndex(
    ({ dtype, shape }, i) => leaves[i]?.dtype !== dtype || leaves[i]?.shape.join() !== shape.join(),
  );
  if (differs !== -1 || firstDifference(found, structure) !== undefined) {
    throw new LockstepError(
      'experiment',
      `a step changes the structure, a shape or an element type of parameters or state (${variables[differs]?.name ?? 'its entries'}); both keep the form that they have before the first step`,
      { variable: variables[differs]?.name },
    );
  }
  return leaves;
}
