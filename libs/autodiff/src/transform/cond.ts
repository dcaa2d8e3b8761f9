/** Branches. Within a program a branch is one equation, of which one body runs. */
import { aFunction, anything, LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { firstDifference, type Structure, unflatten } from '@lockstep/tree';
import type { Bodies, Construct, MaybeTensor } from '../construct.ts';
import { bindMany, type Tensor } from '../core.ts';
import { construct } from '../define.ts';
import { cast, equal, maximum, minimum, where } from '../primitives/elementwise.ts';
import { broadcastInAxes } from '../primitives/structural.ts';
import { evaluateProgram } from '../program/evaluate.ts';
import { type Closed, closeProgram, shareCaptured } from '../program/trace.ts';
import { flattened } from './arguments.ts';
import {
  batchedBody,
  chosen,
  inputAvals,
  jvpBody,
  orZeros,
  outputAvals,
  overBatchAs,
  prunedBodies,
  reached,
  spreadOut,
} from './bodies.ts';
import { elementsOf, refuseCollectives, steering } from './steering.ts';
import { linearized } from './tape.ts';
import type { Values } from './types.ts';

/** `index` chooses among bodies that take (captured, operands) and give results of the same types. */
function bindBranch(index: Tensor, branches: readonly Closed[], operands: readonly Tensor[]) {
  const { programs, captured } = shareCaptured(branches);
  return bindMany(branchConstruct, [index, ...captured, ...operands], { bodies: programs });
}

const placeIn = ({ length }: { readonly length: number }, index: number): number =>
  Math.min(Math.max(index, 0), length - 1);

/** Of each output, whether any of the bodies moves it. */
function reachedInAny(bodies: Bodies['bodies'], flags: readonly boolean[], by: 'derivative' | 'batch') {
  const all = bodies.map((body) => reached(body, flags, by));
  return all[0]!.map((_, i) => all.some((moves) => moves[i]));
}

const branchConstruct: Construct<Bodies> = construct<Bodies>({
  name: 'branch',
  shape: (_inputs, { bodies: [body] }) => outputAvals(body!),
  evaluate: ([index, ...operands], { bodies }) =>
    evaluateProgram(bodies[placeIn(bodies, index!.data[0]!)]!, operands),

  jvp([index, ...operands], [, ...tangents], { bodies }) {
    const moves = tangents.map((tangent) => tangent !== undefined);
    const asked = reachedInAny(bodies, moves, 'derivative');
    const all = bindBranch(
      index!,
      bodies.map((body) => jvpBody(body, moves, asked)),
      [...operands, ...chosen(tangents as Tensor[], moves)],
    );
    return { outs: all.slice(0, asked.length), tangents: spreadOut(all.slice(asked.length), asked) };
  },

  vjp([index, ...operands], [, ...wanted], { bodies }) {
    return {
      outs: bindMany(branchConstruct, [index!, ...operands], { bodies }),
      pull(cotangents) {
        const given = cotangents.map((ct) => ct !== undefined);
        const cts = chosen(cotangents as Tensor[], given);
        const back = bodies.map((body) =>
          closeProgram(
            (...all) => {
              const xs = all.slice(0, operands.length);
              const { pull } = linearized((inputs) => evaluateProgram(body, inputs), xs, wanted);
              return chosen(orZeros(pull(spreadOut(all.slice(xs.length), given)), xs), wanted);
            },
            [...inputAvals(body), ...chosen(outputAvals(body), given)],
          ),
        );
        const none: MaybeTensor = undefined;
        return [none, ...spreadOut(bindBranch(index!, back, [...operands, ...cts]), wanted)];
      },
    };
  },

  batch([index, ...operands], [isSteered, ...batched], { bodies }, axis) {
    const asked = reachedInAny(bodies, batched, 'batch');
    if (!isSteered) {
      const outs = bindBranch(
        index!,
        bodies.map((body) => batchedBody(body, batched, axis, asked)),
        operands,
      );
      return outs.map((value, i) => ({ value, batched: asked[i]! }));
    }
    const results = bodies.map((body) =>
      overBatchAs((xs) => evaluateProgram(body, xs), operands, batched, axis, 'all'),
    );
    const outs = selected(index!, results, (is, { shape }) => broadcastInAxes(is, shape, [0]));
    return outs.map((value) => ({ value, batched: true }));
  },

  prune({ bodies: all }, needed) {
    const { bodies, inputs } = prunedBodies(all, needed);
    if (inputs.length === all[0]!.numInputs && !needed.includes(false)) return undefined;
    return {
      // The index comes first, and is no input of the bodies.
      inputs: [0, ...inputs.map((input) => input + 1)],
      outputs: needed.flatMap((is, i) => (is ? [i] : [])),
      attrs: { bodies },
    };
  },

  planned: {
    oneBodyAtATime: true,
    temporaries: () => [],
    kernel(outs, [index, ...operands], _attrs, { bodies }) {
      const branches = bodies.map((bind) => bind(operands, outs));
      return (kernels) => {
        const { prepare, run } = branches[placeIn(branches, index!.data[0]!)]!;
        prepare(kernels);
        run(kernels);
      };
    },
    flops: (branches) => Math.max(...branches),
  },
});

/** Where all branches have run, the results of the one that the index names. */
function selected(
  index: Tensor,
  results: readonly (readonly Tensor[])[],
  stretched: (condition: Tensor, like: Tensor) => Tensor = (condition) => condition,
): Tensor[] {
  const place = minimum(maximum(index, 0), results.length - 1);
  return results[0]!.map((_, i) =>
    results
      .map((outs) => outs[i]!)
      .reduce((sofar, out, branch) => where(stretched(equal(place, branch), out), out, sofar)),
  );
}

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
 * differ, both run and each takes its own result. Branches give trees of the same structure, shapes and types, and may
 * read values from around them.
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
  if (elements?.length === 1) {
    const taken = branches[placeIn(branches, elements[0]!)]!;
    return taken.restore(taken.call(leaves));
  }
  if (elements !== undefined) {
    const results = branches.map(({ call }) => call(leaves));
    requireSame(op, branches, results);
    return unflatten(branches[0]!.structure(), selected(index, results));
  }
  const closed = branches.map(({ call }) => closeProgram((...xs) => call(xs), leaves));
  for (const { program } of closed) refuseCollectives(op, program);
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
