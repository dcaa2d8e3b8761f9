/** The leaves of a function's arguments, with readable names. */
import { structurePaths } from '@lockstep/tree';
import type { Tensor } from '../tensor.ts';
import { regroup, toTensors } from '../transform/arguments.ts';

export interface NamedLeaf {
  /** `x1`; inside a container `params.w`. */
  readonly name: string;
  readonly value: Tensor;
}

export interface NamedArguments<Args> {
  readonly leaves: readonly NamedLeaf[];
  /** The arguments with other values for the leaves. */
  readonly rebuild: (leaves: readonly Tensor[]) => Args;
}

/** The arguments of a call. The names are those of f's own parameters, if its source shows them plainly. */
export function nameArguments<Args extends readonly unknown[]>(
  op: string,
  f: (...args: Args) => unknown,
  args: readonly unknown[],
): NamedArguments<Args> {
  const names = parameterNames(f, args.length);
  const trees = args.map((arg) => toTensors(op, arg));
  const leaves = trees.flatMap(({ leaves: own, structure }, i) => {
    const paths = structurePaths(structure);
    return own.map((value, j) => {
      const path = paths[j]!.replaceAll('/', '.');
      return { name: path === '' ? names[i]! : `${names[i]}.${path}`, value };
    });
  });
  return { leaves, rebuild: (values) => regroup<Args>(values, trees) };
}

/** `(a, b) => …` and `function (a, b) {…}` give the names a and b; otherwise x, or x1, x2 … */
function parameterNames(f: object, count: number): string[] {
  const [, listed, single] =
    /^(?:async\s+)?(?:function\s*[\w$]*\s*)?(?:\(([\w$\s,]*)\)|([\w$]+)\s*=>)/.exec(
      Function.prototype.toString.call(f),
    ) ?? [];
  const found = (listed ?? single ?? '').split(',').flatMap((name) => name.trim() || []);
  if (found.length >= count) return found.slice(0, count);
  return Array.from({ length: count }, (_, i) => (count === 1 ? 'x' : `x${i + 1}`));
}
