/**
 * Vectorisation: the batching rule of each primitive turns a function of one example into a function of a batch of
 * examples.
 */
import {
  aFunction,
  aNumber,
  anything,
  describeValue,
  either,
  LockstepError,
  listOf,
  oneOf,
  orNull,
  type Rules,
  signature,
} from '@lockstep/errors';
import { type DType, formatShape, type Shape, type TypedArray } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Construct } from '../construct.ts';
import { Trace, Tracer, withTrace } from '../core.ts';
import type { Attrs, BatchAxis, Batched, Primitive } from '../primitive.ts';
import { repeatInFront } from '../primitives/reduce/sum.ts';
import { transpose } from '../primitives/shape/reshape.ts';
import type { Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';
import type { Inputs } from './types.ts';

class BatchTracer extends Tracer {
  override readonly trace: BatchTrace;
  /** The value, with the batch axis in front. */
  readonly value: Tensor;

  constructor(trace: BatchTrace, value: Tensor) {
    super();
    this.trace = trace;
    this.value = value;
  }

  override get under(): Tensor {
    return this.value;
  }
  override get dtype(): DType {
    return this.value.dtype;
  }
  override get shape(): Shape {
    return this.value.shape.slice(1);
  }
  override get data(): TypedArray {
    throw new LockstepError(
      'trace',
      `a value inside vmap has no elements of its own: ${formatShape(this.shape)} stands for ${this.trace.axis.size} examples; branch with where() or cond(), loop with whileLoop() or scan()`,
      { shape: this.shape },
    );
  }
}

class BatchTrace extends Trace {
  readonly axis: BatchAxis;

  constructor(level: number, axis: BatchAxis) {
    super(level);
    this.axis = axis;
  }

  owns(x: unknown): x is BatchTracer {
    return x instanceof BatchTracer && x.trace === this;
  }

  override standsFor(crossed: 'shards' | 'blocks'): boolean {
    return crossed === 'shards' && this.axis.name === 'shard';
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const values = inputs.map((x) => (this.owns(x) ? x.value : x));
    const { value, batched } = primitive.batch(
      values,
      inputs.map((x) => this.owns(x)),
      attrs,
      this.axis,
    );
    return batched ? new BatchTracer(this, value) : value;
  }

  override processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): Tensor[] {
    const values = inputs.map((x) => (this.owns(x) ? x.value : x));
    const batched = inputs.map((x) => this.owns(x));
    return construct
      .batch(values, batched, attrs, this.axis)
      .map((out) => (out.batched ? new BatchTracer(this, out.value) : out.value));
  }
}

/** Values of `f` for a batch along the given axis, which is in front of the inputs that have it. */
export function overBatch(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  axis: BatchAxis,
): Batched[] {
  return withTrace(
    (level) => new BatchTrace(level, axis),
    (trace) =>
      f(inputs.map((x, i) => (batched[i] ? new BatchTracer(trace, x) : x))).map((y) =>
        trace.owns(y) ? { value: y.value, batched: true } : { value: y, batched: false },
      ),
  );
}

/** The batch axis of an argument; null for an argument that all examples share. */
export type InAxis = number | null;

export interface VmapOptions {
  /** One entry for each argument (it holds for all leaves of the argument), or one entry for all. Default 0. */
  readonly inAxes?: InAxis | readonly InAxis[];
  /**
   * 'shard': ops that cross shards reduce over this axis, and their results are the same for every example. Default:
   * such ops do not reduce over it.
   */
  readonly axisName?: 'shard';
}

const anInAxis = orNull(aNumber);

export const vmapRules: Rules<VmapOptions> = {
  inAxes: either(anInAxis, listOf(anInAxis, 'a list with one entry for each argument')),
  axisName: oneOf('shard'),
};

const checkVmap = signature('vmap', { f: aFunction }, vmapRules);

/** `f` over a batch of examples; the results have the batch axis in front. */
export function vmap<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  options: VmapOptions = {},
): (...args: Inputs<Args>) => Out {
  checkVmap(f, options);
  return (...args) => {
    const { outputs, structure, batched, size } = runBatched(f, args, options);
    const full = outputs.map((y, i) => (batched[i] ? y : repeatInFront(y, size)));
    return unflatten(structure, full) as Out;
  };
}

const checkOverShards = signature('overShards', { f: aFunction, inAxes: anything, describe: aFunction });

/**
 * Like {@link vmap} over the axis of a block's shards, for functions whose results are the same on every shard. The
 * results come back without the axis. `leafNames` names results in the error for a result that differs between shards.
 */
export function overShards<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  inAxes: readonly InAxis[],
  describe: (leaf: number, out: unknown) => string,
): (...args: Inputs<Args>) => Out {
  checkOverShards(f, inAxes, describe);
  return (...args) => {
    const { outputs, structure, batched, size } = runBatched(f, args, { inAxes, axisName: 'shard' });
    const own = batched.indexOf(true);
    if (own >= 0) {
      throw new LockstepError(
        'trace',
        `${describe(own, unflatten(structure, outputs))} differs between the ${size} shards; reduce it with allReduceSum or shardMoments`,
        { leaf: own },
      );
    }
    return unflatten(structure, outputs) as Out;
  };
}

function runBatched<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  args: Inputs<Args>,
  { inAxes = 0, axisName }: VmapOptions,
): {
  outputs: Tensor[];
  structure: ReturnType<typeof flatten>['structure'];
  batched: boolean[];
  size: number;
} {
  const isList = inAxes !== null && typeof inAxes === 'object';
  if (isList && inAxes.length !== args.length) {
    throw new LockstepError(
      'argument',
      `vmap: inAxes has ${inAxes.length} entries for ${args.length} arguments; give one for each (null for an argument that all examples share), or a single one for all`,
      { inAxes, numArguments: args.length },
    );
  }
  const axes = args.map((_, i) => (isList ? inAxes[i]! : inAxes));
  const odd = axes.find((axis) => axis !== null && !Number.isInteger(axis));
  if (odd !== undefined || axes.some((axis) => axis === undefined)) {
    throw new LockstepError(
      'argument',
      `vmap: ${describeValue(odd)} in inAxes; an entry is the whole number of an axis, or null for an argument that all examples share`,
      { inAxes: describeValue(inAxes) },
    );
  }
  const trees = args.map((arg) => toTensors('vmap', arg));
  const size = batchSize(trees, axes);
  return withTrace(
    (level) => new BatchTrace(level, { size, name: axisName }),
    (trace) => {
      const call = trees.map(({ leaves, structure }, i) => {
        const axis = axes[i]!;
        const values = axis === null ? leaves : leaves.map((x) => new BatchTracer(trace, inFront(x, axis)));
        return unflatten(structure, values);
      });
      const { leaves, structure } = flatten(f(...(call as unknown as Args)));
      const tensors = toTensors('vmap', leaves).leaves;
      return {
        outputs: tensors.map((y) => (trace.owns(y) ? y.value : y)),
        batched: tensors.map((y) => trace.owns(y)),
        structure,
        size,
      };
    },
  );
}

function inFront(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  if (at === 0) return x;
  return transpose(x, [at, ...x.shape.map((_, i) => i).filter((i) => i !== at)]);
}

function batchSize(trees: readonly { leaves: readonly Tensor[] }[], axes: readonly InAxis[]): number {
  let size: number | undefined;
  for (const [i, { leaves }] of trees.entries()) {
    const axis = axes[i]!;
    if (axis === null) continue;
    for (const leaf of leaves) {
      const length = leaf.shape.at(axis);
      if (length === undefined || (size !== undefined && length !== size)) {
        throw new LockstepError(
          'shape',
          `vmap: axis ${axis} of argument ${i}, ${formatShape(leaf.shape)}, is ${length === undefined ? 'missing' : length}${size === undefined ? '' : `, but the batch has ${size} examples`}; batch axes must be equally long (inAxes: null for a shared argument)`,
          { argument: i, shape: leaf.shape, axis, size },
        );
      }
      size = length;
    }
  }
  if (size === undefined) {
    throw new LockstepError(
      'argument',
      'vmap: no argument has a batch axis; give at least one argument an axis in inAxes',
      {},
    );
  }
  return size;
}
