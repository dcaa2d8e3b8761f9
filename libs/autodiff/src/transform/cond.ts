/** Branches. Within a program a branch is one equation, of which one body runs. */
import { aFunction, anything, LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { firstDifference, type Structure, unflatten } from '@lockstep/tree';
import type { Tensor } from '../core.ts';
import { cast } from '../primitives/elementwise.ts';
import { closeProgram } from '../program/trace.ts';
import { flattened } from './arguments.ts';
import { outputAvals } from './bodies.ts';
import { bindBranch, placeIn } from './branch.ts';
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
 * `onTrue(...operands)` where the predicate (bool, one element) holds, else `onFalse(...operands)`. With a value at hand it
 * is an `if`; within a program only the branch that is taken runs, and its derivative with it. Where examples of a batch
 * differ, each has the results and the derivatives of the branch that it takes, and nothing of the other. Branches give
 * trees of the same structure, shapes and types, and may read values from around them.
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

/** `branches[index](...operands)`, like {@link cond} for many; an index outside takes the first or the last branch. */
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

function branch(
  op: string,
  index: Tensor,
  functions: readonly ((...operands: never) => unknown)[],
  operands: readonly unknown[],
): unknown {
  const branches = functions.map((f) => flattened(op, f as (...args: never[]) => unknown, operands));
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

/** Throws where branches give different trees. */
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
