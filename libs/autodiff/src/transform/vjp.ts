/** Reverse mode for functions of trees: gradients, and pullbacks of any value. */

import { aFunction, anything, describeValue, LockstepError, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { assertSameStructure, flatten, type Structure, unflatten } from '@lockstep/tree';
import { asTensor, onesLike, zerosLike } from '../convert.ts';
import { someArguments } from '../kinds.ts';
import type { Tensor } from '../tensor.ts';
import {
  lifted,
  regroup,
  requireArguments,
  requireFloats,
  requireNoOperators,
  toTensors,
} from './arguments.ts';
import { linearized } from './tape.ts';
import type { Gradient, Gradients, Inputs } from './types.ts';

interface Linearized {
  readonly out: { readonly leaves: readonly Tensor[]; readonly structure: Structure };
  /** The trees of the differentiated arguments, in order. */
  readonly structures: readonly ReturnType<typeof toTensors>[];
  /** Cotangents of the leaves of the differentiated arguments, with zeros where no cotangent arrives. */
  readonly pullback: (cotangents: readonly Tensor[]) => Tensor[];
}

/** {@link linearized} for arguments and results that are trees. */
function linearize(
  op: string,
  f: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  wrt: readonly number[],
): Linearized {
  const structures = wrt.map((argument) => toTensors(op, args[argument]));
  const inputs = structures.flatMap(({ leaves }) => leaves);
  requireFloats(op, inputs);
  let structure: Structure | undefined;
  const { outs, pull } = linearized(
    (tracers, trace) => {
      const call = args.map(lifted);
      const trees = regroup(tracers, structures);
      for (const [i, argument] of wrt.entries()) call[argument] = trees[i];
      const out = flatten(f(call));
      structure = out.structure;
      return out.leaves.map((y) => {
        requireNoOperators(op, y, trace);
        return asTensor(y as Tensor | number);
      });
    },
    inputs,
    inputs.map(() => true),
  );
  return {
    out: { leaves: outs, structure: structure! },
    structures,
    pullback: (cotangents) => pull(cotangents).map((ct, i) => ct ?? zerosLike(inputs[i]!)),
  };
}

const checkVjp = signature('vjp', { f: aFunction, '...args': anything });

/**
 * The value of `f` and its pullback, which maps a cotangent of the value to the cotangents of all arguments:
 * `const [y, pull] = vjp(f, x1, x2); const [ct1, ct2] = pull(ct)`.
 */
export function vjp<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  ...args: Inputs<Args>
): [Out, (cotangent: Out) => Gradients<Args>] {
  checkVjp(f, ...args);
  const all = args.map((_, i) => i);
  const { out, pullback, structures } = linearize('vjp', onArguments(f), args, all);
  const pull = (cotangent: Out): Gradients<Args> => {
    const { leaves, structure } = toTensors('vjp', cotangent);
    assertSameStructure('vjp: value and cotangent', out.structure, structure);
    for (const [i, y] of out.leaves.entries()) {
      const { shape } = leaves[i]!;
      if (!sameShape(shape, y.shape)) {
        throw new LockstepError(
          'shape',
          `vjp: a cotangent of shape ${formatShape(shape)} for a value of shape ${formatShape(y.shape)}; they must be equal`,
          { cotangent: shape, value: y.shape },
        );
      }
    }
    return regroup(
      pullback(leaves.map((ct, i) => ct.cast(out.leaves[i]!.dtype))),
      structures,
    ) as unknown as Gradients<Args>;
  };
  return [unflatten(out.structure, out.leaves) as Out, pull];
}

/** `f` as a function of its argument list. Trees of tracers stand for the caller's types. */
const onArguments =
  <Args extends readonly unknown[], Out>(f: (...args: Args) => Out) =>
  (args: readonly unknown[]): Out =>
    f(...(args as Args));

type Selected<Args extends readonly unknown[], W> = W extends number
  ? Gradient<Args[W]>
  : W extends readonly number[]
    ? { -readonly [K in keyof W]: Gradient<Args[W[K] & number]> }
    : never;

function valueAndPull(
  op: string,
  f: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  wrt: number | readonly number[],
): Linearized['out'] & { gradient: unknown } {
  requireArguments(op, args.length, wrt);
  const list = typeof wrt === 'number' ? [wrt] : wrt;
  const { out, pullback, structures } = linearize(op, f, args, list);
  const value = out.leaves[0];
  if (value === undefined || value.size !== 1 || value.rank !== 0) {
    throw new LockstepError(
      'shape',
      `${op}: the function must return a scalar, not ${value === undefined ? 'nothing' : formatShape(value.shape)}; reduce it with sum() or mean(), or use vjp`,
      { op, shape: value?.shape },
    );
  }
  requireFloats(op, [value]);
  const cotangents = out.leaves.map((y, i) => (i === 0 ? onesLike(y) : zerosLike(y)));
  const gradients = regroup(pullback(cotangents), structures);
  return { ...out, gradient: typeof wrt === 'number' ? gradients[0] : gradients };
}

const checkGrad = signature('grad', { f: aFunction, 'wrt?': someArguments });

/** The gradient of a scalar function with respect to argument `wrt` (0 by default; a list gives a list). */
export function grad<Args extends readonly unknown[], const W extends number | readonly number[] = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => Selected<Args, W> {
  checkGrad(f, wrt);
  return (...args) => valueAndPull('grad', onArguments(f), args, wrt).gradient as Selected<Args, W>;
}

const checkValueAndGrad = signature('valueAndGrad', { f: aFunction, 'wrt?': someArguments });

/** Value and gradient of a scalar function in one pass: `[value, gradient]`. */
export function valueAndGrad<Args extends readonly unknown[], const W extends number | readonly number[] = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => [Tensor, Selected<Args, W>] {
  checkValueAndGrad(f, wrt);
  return (...args) => {
    const { leaves, gradient } = valueAndPull('valueAndGrad', onArguments(f), args, wrt);
    return [leaves[0]!, gradient as Selected<Args, W>];
  };
}

const checkValueAndGradWithAux = signature('valueAndGradWithAux', { f: aFunction, 'wrt?': someArguments });

/** Like {@link valueAndGrad} for a function that returns `[scalar, auxiliary]`: `[[value, auxiliary], gradient]`. */
export function valueAndGradWithAux<
  Args extends readonly unknown[],
  Aux,
  const W extends number | readonly number[] = 0,
>(
  f: (...args: Args) => readonly [Tensor, Aux],
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => [readonly [Tensor, Aux], Selected<Args, W>] {
  checkValueAndGradWithAux(f, wrt);
  return (...args) => {
    const out = valueAndPull('valueAndGradWithAux', (call) => requirePair(f(...(call as Args))), args, wrt);
    const value = unflatten(out.structure, out.leaves) as unknown as readonly [Tensor, Aux];
    return [value, out.gradient as Selected<Args, W>];
  };
}

function requirePair<T>(result: T): T {
  if (Array.isArray(result) && result.length === 2) return result;
  throw new LockstepError(
    'argument',
    `valueAndGradWithAux, gradWithAux: the function must return [scalar, auxiliary], not ${describeValue(result)}; use grad or valueAndGrad if it returns only a scalar`,
    {},
  );
}
