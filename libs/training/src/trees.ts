/** The trees that every worker holds a replica of, and their form, which no step changes. */
import type { Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
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
  /** Names of what the optimizer's links report. */
  readonly linkMetrics: readonly string[];
  /** Whether the optimizer leaves out steps whose gradient is not finite. */
  readonly skipsNonFinite: boolean;
}

export function formOf(tree: unknown): TreeForm {
  const { leaves, structure } = flatten(tree as never);
  const names = leafPaths(tree as never);
  const variables = (leaves as Tensor[]).map(({ dtype, shape }, i) => ({ name: names[i]!, dtype, shape }));
  return { structure, variables };
}

/** The leaves of a tree that must look as it did at step 0. */
export function leavesLike({ variables, structure }: TreeForm, tree: unknown): Tensor[] {
  const found = flatten(tree as never);
  const leaves = found.leaves as Tensor[];
  const differs = variables.findIndex(
    ({ dtype, shape }, i) => leaves[i]?.dtype !== dtype || leaves[i]?.shape.join() !== shape.join(),
  );
  if (differs !== -1 || firstDifference(found.structure, structure) !== undefined) {
    throw new LockstepError(
      'experiment',
      `a step changes the structure or the shapes of the state (${variables[differs]?.name ?? 'its entries'}); state keeps its form`,
      { variable: variables[differs]?.name },
    );
  }
  return leaves;
}
