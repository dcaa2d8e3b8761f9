/** Restricts links to trained parameters: links do not see parameters that `frozen` or `markFrozen` has marked. */
import { zerosLike } from '@lockstep/autodiff';
import { flatten, frozenLeaves, unflatten } from '@lockstep/tree';
import type { Role } from './role.ts';
import { type GradientTransformation, type TensorTree, transformation } from './transformation.ts';

/**
 * The link over trees with `null` for frozen parameters: it keeps no state for them and no norm includes them. The
 * updates of frozen parameters are 0.
 */
export function overTrained<S>(
  link: GradientTransformation<S>,
  role: Role = { gives: 'gradients' },
): GradientTransformation<S> {
  const chosen = (params: TensorTree): boolean[] => frozenLeaves(params).map((isFrozen) => !isFrozen);
  return transformation({
    role,
    init: (params) => link.init(pick(params, chosen(params))),
    update(grads, state, params, progress) {
      const trained = chosen(params);
      if (!trained.includes(false)) return link.update(grads, state, params, progress);
      const still = zerosOf(grads);
      if (!trained.includes(true)) return [still, state];
      const [updates, next] = link.update(pick(grads, trained), state, pick(params, trained), progress);
      return [put(still, trained, updates), next];
    },
  });
}

function zerosOf(tree: TensorTree): TensorTree {
  const { leaves, structure } = flatten(tree);
  return unflatten(structure, leaves.map(zerosLike));
}

/** The tree with `null` for each leaf that is not selected. */
export function pick(tree: TensorTree, chosen: readonly boolean[]): TensorTree {
  const { leaves, structure } = flatten(tree);
  return unflatten(
    structure,
    leaves.map((leaf, i) => (chosen[i] ? leaf : null)),
  ) as TensorTree;
}

/** The tree whose selected leaves come from `part`, which has only these. */
export function put(tree: TensorTree, chosen: readonly boolean[], part: TensorTree): TensorTree {
  const { leaves, structure } = flatten(tree);
  const taken = flatten(part).leaves.values();
  return unflatten(
    structure,
    leaves.map((leaf, i) => (chosen[i] ? taken.next().value! : leaf)),
  );
}
