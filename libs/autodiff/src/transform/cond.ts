/** Branches. Within a program a branch is one equation, and one of its bodies runs. */
import { aFunction, anything, LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { firstDifference, type Structure, unflatten } from '@lockstep/tree';
import { cast } from '../primitives/elementwise/cast.ts';
import { closeProgram } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import { flattened } from './arguments.ts';
import { outputAvals } from './bodies.ts';
import { bindBranch } from './branch.ts';
import { placeIn } from './branch-rules.ts';
import { withOwnPlace } from './checkpoint.ts';
import { elementsOf, isProgramUnderWay, refuseExchanges, steering } from './steering.ts';
import type { Values } from './types.ts';

type Branch<Operands extends readonly unknown[], Out> = (
  ...operands: { [K in keyof Operands]: Values<Operands[K]> }
) => Out;

const checkCond = signature('cond', {
  predicate: anything,
  onTrue: aFunction,
  onFalse: aFunction,
  '...operands': anything,
});

/**
 * `onTrue(...operands)` where the predicate (bool, one element) holds, else `onFalse(...operands)`. With a known value
 * it is an `if`. Within a program only the branch that is taken runs, and its derivative with it. If the examples of a
 * batch differ, each has the results and the derivatives of its own branch only. Branches give trees of the same
 * structure, shapes and types, and may read values from outside.
 */
export function cond<const Operands extends readonly unknown[], Out>(
  predicate: Tensor | boolean,
  onTrue: Branch<Operands, Out>,
  onFalse: Branch<Operands, NoInfer<Out>>,
  ...operands: Operands
): Values<Out> {
  checkCond(predicate, onTrue, onFalse, ...operands);
  const holds = steering('cond', 'the predicate', predicate, 'bool');
  return branch('cond', cast(holds, 'int32'), [onFalse, onTrue], operands) as Values<Out>;
}

const checkSwitchCase = signature('switchCase', {
  index: anything,
  branches: listOf(aFunction, 'a list of functions'),
  '...operands': anything,
});

/**
 * `branches[index](...operands)`, like {@link cond} for many branches. An index outside takes the first or the last
 * branch.
 */
export function switchCase<const Operands extends readonly unknown[], Out>(
  index: Tensor | number,
  branches: readonly Branch<Operands, Out>[],
  ...operands: Operands
): Values<Out> {
  checkSwitchCase(index, branches, ...operands);
  if (branches.length === 0) {
    throw new LockstepError('argument', 'switchCase: needs at least one branch', { op: 'switchCase' });
  }
  const place = steering('switchCase', 'the index', index, 'int32');
  return branch('switchCase', place, branches, operands) as Values<Out>;
}

function branch<Operands extends readonly unknown[]>(
  op: string,
  index: Tensor,
  functions: readonly ((...operands: Operands) => unknown)[],
  operands: readonly unknown[],
): unknown {
  const branches = functions.map((f) => flattened(op, f, operands));
  const { leaves } = branches[0]!;
  const elements = elementsOf(index);
  const taken = elements && new Set(Array.from(elements, (i) => placeIn(branches, i)));
  if (taken?.size === 1) {
    const [only] = taken;
    const own = branches[only!]!;
    return own.restore(own.call(isProgramUnderWay() ? leaves : withOwnPlace(leaves)));
  }
  const closed = branches.map(({ call }) => closeProgram((...xs) => call(xs), leaves, elements && leaves));
  for (const { program } of closed) refuseExchanges(op, program);
  requireSame(
    op,
    branches,
    closed.map(({ program }) => outputAvals(program)),
  );
  return unflatten(branches[0]!.structure(), [...bindBranch(index, closed, leaves)]);
}

/** Throws if branches give different trees. */
function requireSame(
  op: string,
  branches: readonly { readonly structure: () => Structure }[],
  results: readonly (readonly Pick<Tensor, 'dtype' | 'shape'>[])[],
): void {
  // cond lists its branches as [onFalse, onTrue].
  const name = (i: number): string => (op === 'cond' ? ['onFalse', 'onTrue'][i]! : `branch ${i}`);
  for (const [i, outs] of results.entries()) {
    const difference = firstDifference(branches[0]!.structure(), branches[i]!.structure());
    if (difference !== undefined) {
      const { path, left, right } = difference;
      throw new LockstepError(
        'argument',
        `${op}: ${name(i)} gives ${right} ${path === '' ? 'where' : `at '${path}', where`} ${name(0)} gives ${left}; all branches must give the same structure`,
        { op, branch: i, path },
      );
    }
    for (const [leaf, { dtype, shape }] of outs.entries()) {
      const first = results[0]![leaf]!;
      if (dtype === first.dtype && sameShape(shape, first.shape)) continue;
      throw new LockstepError(
        dtype === first.dtype ? 'shape' : 'dtype',
        `${op}: leaf ${leaf} is ${dtype}${formatShape(shape)} in ${name(i)} and ${first.dtype}${formatShape(first.shape)} in ${name(0)}; all branches must give the same types and shapes`,
        { op, branch: i, leaf },
      );
    }
  }
}
