/** What the transformations share: arguments as trees of tensors. */
import { describeValue, LockstepError } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import { flatten, type Structure, unflatten } from '@lockstep/tree';
import { tensor } from '../convert.ts';
import type { Trace } from '../core.ts';
import type { Primitive } from '../primitive.ts';
import { Tensor } from '../tensor.ts';

export function differentiableBy(primitive: Primitive, argument: number): boolean {
  return primitive.differentiable === 'all' || primitive.differentiable.includes(argument);
}

/** The leaves of an argument as tensors; numbers become float64 scalars. */
export function toTensors(op: string, argument: unknown): { leaves: Tensor[]; structure: Structure } {
  const { leaves, structure } = flatten(argument);
  return { leaves: leaves.map((leaf) => toTensor(op, leaf)), structure };
}

function toTensor(op: string, leaf: unknown): Tensor {
  if (leaf instanceof Tensor) return leaf;
  if (typeof leaf === 'number') return tensor(leaf);
  if (ArrayBuffer.isView(leaf)) return tensor(leaf as Float32Array);
  throw new LockstepError(
    'argument',
    `${op}: an argument holds a ${leaf === null ? 'null' : typeof leaf}; arguments are tensors, numbers and containers of them`,
    { op },
  );
}

/** The arguments rebuilt from the leaves of all of them, one after the other. */
export function regroup<Args extends readonly unknown[] = readonly unknown[]>(
  flat: readonly Tensor[],
  trees: readonly { readonly leaves: readonly unknown[]; readonly structure: Structure }[],
): Args {
  let next = 0;
  const all: readonly unknown[] = trees.map(({ leaves, structure }) => {
    next += leaves.length;
    return unflatten(structure, flat.slice(next - leaves.length, next));
  });
  return all as Args;
}

/** A function of trees as a function of their leaves. */
export interface Flattened {
  readonly leaves: readonly Tensor[];
  readonly trees: readonly { readonly leaves: readonly Tensor[]; readonly structure: Structure }[];
  readonly call: (leaves: readonly Tensor[]) => readonly Tensor[];
  /** These leaves in the tree of the last result. */
  readonly restore: (outs: readonly Tensor[]) => unknown;
  /** The structure of the last result. */
  readonly structure: () => Structure;
}

export function flattened<Args extends readonly unknown[]>(
  op: string,
  f: (...args: Args) => unknown,
  args: readonly unknown[],
): Flattened {
  const trees = args.map((arg) => toTensors(op, arg));
  let structure: Structure = { kind: 'undefined' };
  return {
    leaves: trees.flatMap((tree) => tree.leaves),
    trees,
    call(leaves) {
      const out = toTensors(op, f(...regroup<Args>(leaves, trees)));
      structure = out.structure;
      return out.leaves;
    },
    restore: (outs) => unflatten(structure, outs),
    structure: () => structure,
  };
}

/**
 * An argument that is not differentiated, as the function expects it. A number or typed array becomes a tensor, so
 * `grad(f)(2, 5)` is `grad(f, [0, 1])(2, 5)[0]`. Everything else is passed on unchanged.
 */
export function lifted(argument: unknown): unknown {
  return typeof argument === 'number' || ArrayBuffer.isView(argument)
    ? tensor(argument as number | Float32Array)
    : argument;
}

export function requireArguments(op: string, numArguments: number, wrt: number | readonly number[]): void {
  const list: readonly unknown[] = Array.isArray(wrt) ? wrt : [wrt];
  for (const [i, argument] of list.entries()) {
    const exists =
      Number.isInteger(argument) && (argument as number) >= 0 && (argument as number) < numArguments;
    if (exists && list.indexOf(argument) === i) continue;
    throw new LockstepError(
      'argument',
      exists
        ? `${op}: argument ${argument} is named twice; name each argument once`
        : `${op}: argument ${describeValue(argument)} does not exist; the function was called with ${numArguments}`,
      { argument, numArguments },
    );
  }
}

export function requireFloats(op: string, leaves: readonly Tensor[]): void {
  for (const leaf of leaves) {
    if (!isFloat(leaf.dtype)) {
      throw new LockstepError(
        'dtype',
        `${op}: cannot differentiate with respect to ${leaf.dtype}${JSON.stringify(leaf.shape)}; only float32 and float64 have derivatives`,
        { op, dtype: leaf.dtype },
      );
    }
  }
}

/**
 * Refuses a result that is a number, made by JavaScript operators from the numbers of tensors: no derivative follows
 * such arithmetic.
 */
export function requireNoOperators(op: string, result: unknown, trace: Trace): void {
  if (typeof result !== 'number' || !trace.gaveNumbers) return;
  throw new LockstepError(
    'argument',
    `${op}: the function returns the number ${result}, made with JavaScript operators, which lose the derivative; write x.mul(y) for x * y, and tensor(${result}) if a constant is meant`,
    { op, result },
  );
}
