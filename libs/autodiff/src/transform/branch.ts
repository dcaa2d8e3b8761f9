/**
 * Branches as constructs. A branch runs one body. In a batch whose examples differ, each example has the results and
 * the derivatives of the body that it takes; nothing that another body computes for it, such as NaN, gets out. Outside
 * a program the examples are sorted by body, and each body runs on its own examples only. A planned program runs all
 * bodies on all examples and chooses among the results, after all derivatives have been taken.
 */

import { allocateStorage } from '@lockstep/tensor';
import { take } from '../compositions/shape/taking.ts';
import type { Construct } from '../construct.ts';
import { zeros } from '../convert.ts';
import { bindMany } from '../core.ts';
import { construct } from '../define.ts';
import type { BatchAxis } from '../primitive.ts';
import { cast } from '../primitives/elementwise/cast.ts';
import { equal, maximum, minimum, where } from '../primitives/elementwise/fusible.ts';
import { argmax, max } from '../primitives/reduce/extrema.ts';
import { broadcastInAxes, repeatInFront, sum } from '../primitives/reduce/sum.ts';
import { reshape } from '../primitives/shape/reshape.ts';
import { type Bodies, bodiesOf, type Program } from '../program/program.ts';
import { type Closed, closeProgram, shareCaptured } from '../program/trace.ts';
import { ConcreteTensor, type Tensor } from '../tensor.ts';
import {
  type Body,
  batchedBody,
  call,
  inputAvals,
  outputAvals,
  overBatchAs,
  prunedBodies,
} from './bodies.ts';
import {
  arePrograms,
  type BranchAttrs,
  closeAll,
  isClosed,
  moved,
  placeIn,
  pulled,
  reachedInAny,
} from './branch-rules.ts';

/** `index` chooses among bodies that take (captured, operands) and give results of the same types. */
export function bindBranch(
  index: Tensor,
  branches: readonly Closed[],
  operands: readonly Tensor[],
): readonly Tensor[] {
  const { programs, captured } = shareCaptured(branches);
  return bindMany(branchConstruct, [index, ...captured, ...operands], { bodies: programs });
}

const branchConstruct: Construct<BranchAttrs> = construct<BranchAttrs>({
  name: 'branch',
  shape: (_inputs, { bodies: [body] }) => outputAvals(body as Program),
  evaluate: ([index, ...operands], { bodies }) => call(bodies[placeIn(bodies, index!.data[0]!)]!, operands),

  jvp: ([index, ...operands], [, ...tangents], { bodies }) =>
    moved(bodies, tangents, (next, more) => rebound(index!, next, [...operands, ...more])),

  vjp: ([index, ...operands], [, ...wanted], { bodies }) => ({
    outs: bindMany(branchConstruct, [index!, ...operands], { bodies }),
    pull: (cotangents) => [
      undefined,
      ...pulled(bodies, wanted, cotangents, (next, more) => rebound(index!, next, [...operands, ...more])),
    ],
  }),

  batch([index, ...operands], [isSteered, ...batched], { bodies }, axis) {
    if (isSteered) {
      const attrs: EachAttrs = { bodies, size: axis.size, isOwn: batched };
      return bindMany(eachConstruct, [index!, ...operands], attrs).map((value) => ({ value, batched: true }));
    }
    if (!arePrograms(bodies)) {
      const over = bodies.map(
        (body): Body =>
          (xs) =>
            overBatchAs((ys) => call(body, ys), xs, batched, axis, 'all'),
      );
      return rebound(index!, over, operands).map((value) => ({ value, batched: true }));
    }
    const asked = reachedInAny(bodies, batched, 'batch');
    const over = bodies.map((body) => batchedBody(body, batched, axis, asked));
    return rebound(index!, over, operands).map((value, i) => ({ value, batched: asked[i]! }));
  },

  record([index, ...operands], { bodies }, enter) {
    if (arePrograms(bodies)) return enter([index!, ...operands], { bodies });
    const { programs, captured } = closeAll(bodies, operands);
    return enter([index!, ...captured, ...operands], { bodies: programs });
  },

  prune({ bodies: all }, needed) {
    const programs = all as Bodies['bodies'];
    const { bodies, inputs } = prunedBodies(programs, needed);
    if (inputs.length === programs[0]!.numInputs && !needed.includes(false)) return undefined;
    return {
      // The index comes first and is not an input of the bodies.
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

function rebound(
  index: Tensor,
  next: readonly Body[] | readonly Closed[],
  operands: readonly Tensor[],
): readonly Tensor[] {
  return isClosed(next)
    ? bindBranch(index, next, operands)
    : bindMany(branchConstruct, [index, ...operands], { bodies: next });
}

export interface EachAttrs extends BranchAttrs {
  readonly size: number;
  /** Which operands have the axis of the examples in front; all examples share the others. */
  readonly isOwn: readonly boolean[];
}

/** Like {@link bindBranch} for `size` examples, each with an index of its own. */
export function bindEach(
  index: Tensor,
  branches: readonly Closed[],
  operands: readonly Tensor[],
  { size, isOwn }: Pick<EachAttrs, 'size' | 'isOwn'>,
): readonly Tensor[] {
  const { programs: bodies, captured } = shareCaptured(branches);
  const flags = [...captured.map(() => false), ...isOwn];
  return bindMany(eachConstruct, [index, ...captured, ...operands], { bodies, size, isOwn: flags });
}

export const eachConstruct: Construct<EachAttrs> = construct<EachAttrs>({
  name: 'branchEach',
  shape: (_inputs, { bodies: [body], size }) =>
    outputAvals(body as Program).map(({ dtype, shape }) => ({ dtype, shape: [size, ...shape] })),

  evaluate([index, ...operands], { bodies, isOwn, size }) {
    const places = Array.from(index!.data, (i) => placeIn(bodies, i));
    const parts = bodies.flatMap((body, branch) => {
      const rows = places.flatMap((place, row) => (place === branch ? [row] : []));
      if (rows.length === 0 && (size > 0 || branch > 0)) return [];
      const own = operands.map((x, i) => (isOwn[i] ? rowsOf(x, rows) : x));
      const axis: BatchAxis = { size: rows.length, name: undefined };
      return [{ rows, outs: overBatchAs((xs) => call(body, xs), own, isOwn, axis, 'all') }];
    });
    return parts[0]!.outs.map(({ dtype, shape }, i) => {
      const out = allocateStorage(dtype, [size, ...shape.slice(1)]);
      for (const { rows, outs } of parts) {
        const { data } = outs[i]!;
        const width = data.length / Math.max(1, rows.length);
        for (const [at, row] of rows.entries())
          out.data.set(data.subarray(at * width, (at + 1) * width), row * width);
      }
      return new ConcreteTensor(out);
    });
  },

  jvp: ([index, ...operands], [, ...tangents], { bodies, isOwn, size }) =>
    moved(bodies, tangents, (next, more) => {
      const flags = [...isOwn, ...isOwn.filter((_, i) => tangents[i] !== undefined)];
      return reboundEach(index!, next, [...operands, ...more], { size, isOwn: flags });
    }),

  vjp: ([index, ...operands], [, ...wanted], attrs) => ({
    outs: bindMany(eachConstruct, [index!, ...operands], attrs),
    pull(cotangents) {
      const { bodies, isOwn, size } = attrs;
      const all = pulled(bodies, wanted, cotangents, (next, more) => {
        const flags = [...isOwn, ...more.map(() => true)];
        return reboundEach(index!, next, [...operands, ...more], { size, isOwn: flags });
      });
      // The cotangent of a shared operand is the sum over all examples.
      return [undefined, ...all.map((ct, i) => (ct === undefined || isOwn[i] ? ct : sum(ct, 0)))];
    },
  }),

  /** Joins the examples of all batches in one axis. */
  batch([index, ...operands], [isSteered, ...batched], { bodies, isOwn, size }, axis) {
    const flat = (x: Tensor, hasOuter: boolean, hasInner: boolean): Tensor => {
      const own = x.shape.slice(Number(hasOuter) + Number(hasInner));
      const whole = [axis.size, size, ...own];
      const kept = whole
        .map((_, at) => at)
        .filter((at) => (at === 0 ? hasOuter : at === 1 ? hasInner : true));
      return reshape(broadcastInAxes(x, whole, kept), [axis.size * size, ...own]);
    };
    const flags = isOwn.map((own, i) => own || batched[i]!);
    const outs = bindMany(
      eachConstruct,
      [
        flat(index!, isSteered!, true),
        ...operands.map((x, i) => (flags[i] ? flat(x, batched[i]!, isOwn[i]!) : x)),
      ],
      { bodies, size: axis.size * size, isOwn: flags },
    );
    return outs.map((value) => ({
      value: reshape(value, [axis.size, size, ...value.shape.slice(1)]),
      batched: true,
    }));
  },

  record([index, ...operands], attrs, enter) {
    const { bodies, isOwn } = attrs;
    if (arePrograms(bodies)) return enter([index!, ...operands], { ...attrs, bodies });
    const avals = operands.map(({ dtype, shape }, i) => ({
      dtype,
      shape: isOwn[i] ? shape.slice(1) : shape,
    }));
    const { programs, captured } = closeAll(bodies, avals);
    const flags = [...captured.map(() => false), ...isOwn];
    return enter([index!, ...captured, ...operands], { ...attrs, bodies: programs, isOwn: flags });
  },

  prune(attrs, needed) {
    const programs = attrs.bodies as Bodies['bodies'];
    const { bodies, inputs } = prunedBodies(programs, needed);
    if (inputs.length === programs[0]!.numInputs && !needed.includes(false)) return undefined;
    return {
      inputs: [0, ...inputs.map((input) => input + 1)],
      outputs: needed.flatMap((is, i) => (is ? [i] : [])),
      attrs: { ...attrs, bodies, isOwn: inputs.map((input) => attrs.isOwn[input]!) },
    };
  },

  composed: {
    lower: lowered,
    flops: (bodies, { size }) => size * bodies.reduce((total, flops) => total + flops, 0),
  },
});

function reboundEach(
  index: Tensor,
  next: readonly Body[] | readonly Closed[],
  operands: readonly Tensor[],
  how: Pick<EachAttrs, 'size' | 'isOwn'>,
): readonly Tensor[] {
  return isClosed(next)
    ? bindEach(index, next, operands, how)
    : bindMany(eachConstruct, [index, ...operands], { bodies: next, ...how });
}

/** Rows of an array whose elements are known. */
function rowsOf(x: Tensor, rows: readonly number[]): Tensor {
  const { data, dtype, shape } = x;
  if (rows.length === shape[0]) return x;
  const out = allocateStorage(dtype, [rows.length, ...shape.slice(1)]);
  const width = data.length / Math.max(1, shape[0]!);
  for (const [at, row] of rows.entries())
    out.data.set(data.subarray(row * width, (row + 1) * width), at * width);
  return new ConcreteTensor(out);
}

/** Runs all bodies on all examples, and gives each example the results of its own body. */
function lowered([index, ...operands]: readonly Tensor[], attrs: EachAttrs): readonly Tensor[] {
  const { isOwn, size } = attrs;
  const bodies = attrs.bodies as readonly Program[];
  const place = minimum(maximum(index!, 0), bodies.length - 1);
  const axis: BatchAxis = { size, name: undefined };
  const results = bodies.map((body, branch) =>
    mayNotEnd(body)
      ? whereTaken(body, equal(place, branch), operands, isOwn, axis)
      : overBatchAs((xs) => call(body, xs), operands, isOwn, axis, 'all'),
  );
  return results[0]!.map((_, i) =>
    results
      .map((outs) => outs[i]!)
      .reduce((sofar, out, branch) =>
        where(broadcastInAxes(equal(place, branch), out.shape, [0]), out, sofar),
      ),
  );
}

/** Whether a loop in the body ends only when its values say so, which may be never. */
const mayNotEnd = ({ equations }: Program): boolean =>
  equations.some((equation) => equation.primitive === 'while' || (bodiesOf(equation) ?? []).some(mayNotEnd));

/**
 * The body over the examples that take it. The first of them stands in for all other examples, so loops in the body end
 * when those of the real examples do. If no example takes the body, it does not run.
 */
function whereTaken(
  body: Program,
  taken: Tensor,
  operands: readonly Tensor[],
  isOwn: readonly boolean[],
  axis: BatchAxis,
): readonly Tensor[] {
  const marks = cast(taken, 'float32');
  const first = argmax(marks, 0);
  const safe = operands.map((x, i) =>
    isOwn[i]
      ? where(broadcastInAxes(taken, x.shape, [0]), x, repeatInFront(take(x, first, 0), axis.size))
      : x,
  );
  const asked = outputAvals(body).map(() => true);
  const run = batchedBody(body, isOwn, axis, asked);
  const avals = inputAvals(run.program);
  const nothing = closeProgram(
    () => outputAvals(run.program).map(({ dtype, shape }) => zeros(shape, dtype)),
    avals.slice(run.captured.length),
  );
  return bindBranch(cast(max(marks, 0), 'int32'), [nothing, run], safe);
}
