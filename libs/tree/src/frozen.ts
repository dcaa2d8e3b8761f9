/** Marks parts of a tree as not trained. The mark is on the containers and is part of the structure. */
import { LockstepError } from '@lockstep/errors';
import type { Structure } from './structure.ts';
import { flatten, unflatten } from './tree.ts';

/**
 * The parameters, marked as not trained: no optimizer of this library changes them, and penalties exclude them. `map`,
 * transformations and spreading a marked object keep the mark. Throws an `argument` error for a lone leaf, which has no
 * container to mark.
 */
export function markFrozen<T>(tree: T): T {
  const { leaves, structure } = flatten<unknown>(tree);
  if (structure.kind === 'leaf') {
    throw new LockstepError(
      'argument',
      'markFrozen: a lone tensor has no container that could carry the mark; give it a name, as in { weight }',
      {},
    );
  }
  return unflatten(marked(structure), leaves) as T;
}

/** Marks every container, so that parts of a marked tree keep the mark when they are taken out. */
function marked(structure: Structure): Structure {
  if (!('children' in structure)) return structure;
  return { ...structure, children: structure.children.map(marked), frozen: true };
}

/** For each leaf, in the order of `flatten`: whether {@link markFrozen} marked a container around it. */
export function frozenLeaves(tree: unknown): boolean[] {
  const found: boolean[] = [];
  const walk = (node: Structure, isFrozen: boolean): void => {
    if (node.kind === 'leaf') found.push(isFrozen);
    if (!('children' in node)) return;
    for (const child of node.children) walk(child, isFrozen || node.frozen === true);
  };
  walk(flatten(tree).structure, false);
  return found;
}
