/** The leaves of a function's arguments, under the names that a reader knows them by. */
import { type Structure, structurePaths, unflatten } from '@lockstep/tree';
import type { Tensor } from '../tensor.ts';
import { toTensors } from '../transform/arguments.ts';

export interface NamedLeaf {
  /** `x1`; inside a container `params.w`. */
  readonly name: string;
  readonly value: Tensor;
}

export interface NamedArguments {
  readonly leaves: readonly NamedLeaf[];
  /** The arguments with other values for the leaves. */
  readonly rebuild: (leaves: readonly Tensor[]) => unknown[];
}

/** The arguments of a call. Names are those of f's own parameters, where its source shows them plainly. */
export function nameArguments(
  op: string,
  f: (...args: never) => unknown,
  args: readonly unknown[],
): NamedArguments {
  const names = parameterNames(f, args.length);
  const trees = args.map((arg) => toTensors(op, arg));
  const leaves = trees.flatMap(({ leaves: own, structure }, i) => {
    const paths = structurePaths(structure);
    return own.map((value, j) => {
      const path = paths[j]!.replaceAll('/', '.');
      return { name: path === '' ? names[i]! : `${names[i]}.${path}`, value };
    });
  });
  return { leaves, rebuild: (values) => regroup(trees, values) };
}

function regroup(
  trees: readonly { leaves: readonly unknown[]; structure: Structure }[],
  values: readonly Tensor[],
): unknown[] {
  let next = 0;
  return trees.map(({ leaves, structure }) => {
    next += leaves.length;
    return unflatten(structure, values.slice(next - leaves.length, next));
  });
}

/** `(a, b) => …` and `function (a, b) {…}` have the names a and b; otherwise x, or x1, x2 … */
function parameterNames(f: (...args: never) => unknown, count: number): string[] {
  const [, listed, single] =
    /^(?:async\s+)?(?:function\s*[\w$]*\s*)?(?:\(([\w$\s,]*)\)|([\w$]+)\s*=>)/.exec(
      Function.prototype.toString.call(f),
    ) ?? [];
  const found = (listed ?? single ?? '').split(',').flatMap((name) => name.trim() || []);
  if (found.length >= count) return found.slice(0, count);
  return Array.from({ length: count }, (_, i) => (count === 1 ? 'x' : `x${i + 1}`));
}
