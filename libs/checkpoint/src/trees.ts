import { LockstepError } from '@lockstep/errors';
import type { Tensors } from '@lockstep/formats';
import { formatShape, type Storage, sameShape } from '@lockstep/tensor';
import { flatten, leafPaths, type Tree, unflatten } from '@lockstep/tree';

function isStorage(value: unknown): value is Storage {
  return (
    typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value
  );
}

/** The arrays of a tree under the names `prefix/layers/0/w`; an array that is the whole tree is named `prefix`. */
export function tensorsOfTree(prefix: string, tree: Tree<Storage>): Tensors {
  const { leaves } = flatten(tree, isStorage);
  return Object.fromEntries(namesOf(prefix, tree).map((name, i) => [name, leaves[i]!]));
}

/**
 * A tree with the structure of `like` and the arrays of {@link tensorsOfTree}. Throws a `checkpoint` error when an array is
 * missing or its dtype or shape differs from that of `like`. Tensors with other prefixes are ignored.
 */
export function treeOfTensors<T extends Storage>(
  prefix: string,
  like: Tree<Storage>,
  tensors: Readonly<Record<string, T>>,
): Tree<T> {
  const { leaves, structure } = flatten(like, isStorage);
  const found = namesOf(prefix, like).map((name, i) => {
    const expected = leaves[i]!;
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor && tensor.dtype === expected.dtype && sameShape(tensor.shape, expected.shape)) return tensor;
    const came = tensor ? `is ${describe(tensor)}` : 'is missing';
    throw new LockstepError(
      'checkpoint',
      `the checkpoint's tensor '${name}' ${came}, the experiment expects ${describe(expected)}; the checkpoint is of another model`,
      { name },
    );
  });
  return unflatten(structure, found);
}

function namesOf(prefix: string, tree: Tree<Storage>): string[] {
  return leafPaths(tree, isStorage).map((path) => (path === '' ? prefix : `${prefix}/${path}`));
}

function describe({ dtype, shape }: Storage): string {
  return `${dtype} ${formatShape(shape)}`;
}
