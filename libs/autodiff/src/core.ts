/**
 * The closed core, in three ideas: a {@link Tensor} is a value that ops take and give; a {@link Primitive} is an
 * operation with its rules; a {@link Trace} is an interpreter that gives a primitive another meaning (a tangent
 * beside it, a node on a tape, a batch axis, an equation in a program). `bind` hands a primitive to the innermost
 * interpreter among its inputs; with none it runs at once. `bindMany` does so for a {@link Construct}, an operation made
 * of functions: a loop, a branch, a checkpoint.
 *
 * After Autograd (Maclaurin et al., 2015) and JAX's core (Frostig et al., 2018).
 */
import { LockstepError } from '@lockstep/errors';
import type { Kernels, Operand } from '@lockstep/kernels';
import {
  allocateStorage,
  type DType,
  formatShape,
  type Shape,
  type Storage,
  type TypedArray,
} from '@lockstep/tensor';
import type { Construct } from './construct.ts';
import type { TensorMethods } from './methods.ts';
import { eagerKernels } from './profile.ts';

/** The abstract value of a tensor: all that is known of it while a program is traced. */
export interface Aval {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Plain data fixed at trace time: axes, window sizes, target shapes. (`params` means model weights.) */
export type Attrs = Readonly<Record<string, unknown>>;

/** An immutable array of numbers, concrete or traced. Ops are its methods: `x.matmul(w).add(b).sigmoid()`. */
/** An array of one element type; its elements never change. All ops that say so are its methods too. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: methods.ts installs all that TensorMethods declares
export abstract class Tensor implements Aval {
  abstract readonly dtype: DType;
  abstract readonly shape: Shape;

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.shape.reduce((size, length) => size * length, 1);
  }

  /** The concrete elements; a `trace` error inside `jit` or `vmap`, where there are none. */
  abstract get data(): TypedArray;

  /** The only element of a tensor of size 1, as a number. */
  item(): number {
    const { data } = this;
    if (data.length !== 1) {
      throw new LockstepError(
        'shape',
        `item: a tensor of shape ${formatShape(this.shape)} has ${data.length} elements, not one; use toArray() or reduce it first`,
        { shape: this.shape },
      );
    }
    return data[0]!;
  }

  /** The elements as nested arrays; a number for a scalar. */
  toArray(): NestedNumbers {
    return nest(this.data, this.shape, 0, 0).value;
  }

  valueOf(): number {
    return this.item();
  }

  toJSON(): NestedNumbers {
    return this.toArray();
  }

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

// The ops as methods: declared here, installed by methods.ts, so that the core need not know the ops.
export interface Tensor extends TensorMethods {}

export type NestedNumbers = number | NestedNumbers[];

function nest(
  data: TypedArray,
  shape: Shape,
  axis: number,
  from: number,
): { value: NestedNumbers; next: number } {
  if (axis === shape.length) return { value: data[from]!, next: from + 1 };
  const items: NestedNumbers[] = [];
  let next = from;
  for (let i = 0; i < shape[axis]!; i++) {
    const item = nest(data, shape, axis + 1, next);
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

/** A tensor with its elements at hand. Its data are never written after construction. */
export class ConcreteTensor extends Tensor {
  readonly storage: Storage;

  constructor(storage: Storage) {
    super();
    this.storage = storage;
  }

  override get dtype(): DType {
    return this.storage.dtype;
  }

  override get shape(): Shape {
    return this.storage.shape;
  }

  override get data(): TypedArray {
    return this.storage.data;
  }

  override toString(): string {
    const { size } = this;
    return size <= 64 ? `${JSON.stringify(this.toArray())}` : super.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Tensor ${super.toString()} ${this.toString()}`;
  }
}

/** Work on planned buffers: geometry is computed once, when a kernel is bound, and never during a replay. */
export type BoundKernel = (kernels: Kernels) => void;

/**
 * One entry of the primitive table. Rules are written with the public ops, so that derivatives of any order and any
 * nesting of transformations work.
 */
export interface Primitive<A extends Attrs = Attrs> {
  readonly name: string;
  /** The shape rule: checks the inputs, gives the output; errors name the rule, what came and the remedy. */
  shape(inputs: readonly Aval[], attrs: A): Aval;
  /** Binds the kernel to its buffers. */
  kernel(out: Storage, inputs: readonly Storage[], attrs: A): BoundKernel;
  /** For elementwise primitives: a kernel that reads broadcast operands in place. */
  readonly elementwise?: (out: Storage, operands: readonly Operand[], attrs: A) => BoundKernel;
  /** Its name is an op of the fused kernel, which takes it where its inputs are float32 (bool for conditions). */
  readonly fusible?: boolean;
  /**
   * What it computes in other ops where its input is float32: a planned program runs these in its place, so that fused
   * chains take them along, with the bits of its kernel.
   */
  readonly composed?: (x: Tensor) => Tensor;
  /** Linear in each differentiable argument: its jvp is itself, with the argument replaced by its tangent. */
  readonly linear?: boolean;
  /** The contribution of one argument's tangent to the output's tangent. Absent: no derivative by this argument. */
  readonly jvp?: (
    tangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /**
   * The output's tangent from those of all arguments (undefined for what does not move), where a sum of contributions
   * would not be its bits: what is put together from parts loses the sign of a zero to the zeros around it.
   */
  readonly jvpTogether?: (
    tangents: readonly (Tensor | undefined)[],
    inputs: readonly Tensor[],
    attrs: A,
  ) => Tensor;
  /** The cotangent of one argument. Absent: no derivative by this argument. */
  readonly vjp?: (
    cotangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /** The arguments it may be differentiated by; the others count as constants. */
  readonly differentiable: readonly number[] | 'all';
  /** The batching rule: batched inputs carry the new axis in front, and so does a batched result. */
  batch(inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, axis: BatchAxis): Batched;
  /** The output shares its input's elements (reshape): nothing is computed. */
  readonly alias?: boolean;
  /** Recorded by a program under way even where no input is traced: a number repeated there takes no memory. */
  readonly staged?: boolean;
  /** The kernel may write its output over an input of the same size and type. */
  readonly inPlace?: boolean;
  /**
   * Its result depends on more than its inputs: on the other shards of a block, or on the other blocks of a step. The
   * interpreter that stands for these gets it even when no input is traced.
   */
  readonly crosses?: 'shards' | 'blocks';
}

export interface BatchAxis {
  readonly size: number;
  /** 'shard' for the axis over the shards of a block; undefined for an ordinary `vmap`. */
  readonly name: string | undefined;
}

export interface Batched {
  readonly value: Tensor;
  readonly batched: boolean;
}

/** A value inside an interpreter. */
export abstract class Tracer extends Tensor {
  abstract readonly trace: Trace;
  /** What it stands for in the next interpreter out; undefined within a program, where there is nothing yet. */
  abstract readonly under: Tensor | undefined;
}

/** A value that an interpreter of derivatives carries beside what it knows about it. */
export abstract class PrimalTracer<T extends Trace> extends Tracer {
  override readonly trace: T;
  readonly primal: Tensor;

  constructor(trace: T, primal: Tensor) {
    super();
    this.trace = trace;
    this.primal = primal;
  }

  override get under(): Tensor {
    return this.primal;
  }
  override get dtype(): DType {
    return this.primal.dtype;
  }

  override get shape(): Shape {
    return this.primal.shape;
  }

  override valueOf(): number {
    this.trace.gaveNumbers = true;
    return super.valueOf();
  }

  override get data(): TypedArray {
    return this.primal.data;
  }
}

/** An interpreter. Inputs that are not its own tracers are constants to it. */
export abstract class Trace {
  /** Whether operators of JavaScript took numbers out of its values, as comparisons may and arithmetic must not. */
  gaveNumbers = false;
  /** Depth of nesting: the innermost interpreter among a primitive's inputs has the highest level. */
  readonly level: number;
  /** False once its transformation has returned: its tracers must not be used any more. */
  active = true;

  constructor(level: number) {
    this.level = level;
  }

  /** It is given all that is done with traced values while it is at work, its own or others', and nobody else is. */
  get takesAll(): boolean {
    return false;
  }

  /** Whether what crosses these is this interpreter's business. */
  standsFor(_crossed: 'shards' | 'blocks'): boolean {
    return false;
  }

  abstract process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor;
  abstract processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
}

/** The interpreters now at work, outermost first. */
const activeTraces: Trace[] = [];

/** Runs `body` with a new innermost interpreter. Unique levels are what rules out perturbation confusion. */
export function withTrace<T extends Trace, R>(create: (level: number) => T, body: (trace: T) => R): R {
  const trace = create(activeTraces.length + 1);
  activeTraces.push(trace);
  try {
    return body(trace);
  } finally {
    activeTraces.pop();
    trace.active = false;
  }
}

/** Computes at once what depends on concrete values alone, whatever interpreters are at work. */
export function outsideOfTraces<R>(body: () => R): R {
  const hidden = activeTraces.splice(0);
  try {
    return body();
  } finally {
    activeTraces.push(...hidden);
  }
}

/** The innermost active trace for which `test` holds. */
export function findActiveTrace(test: (trace: Trace) => boolean): Trace | undefined {
  return activeTraces.findLast(test);
}

/** Applies a primitive. */
export function bind<A extends Attrs>(primitive: Primitive<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  let innermost = innermostOf(primitive.name, inputs);
  const { crosses } = primitive;
  if (crosses !== undefined) innermost = inner(innermost, (active) => active.standsFor(crosses));
  if (primitive.staged) innermost ??= findActiveTrace((active) => active.standsFor('blocks'));
  if (innermost === undefined) return evaluate(primitive, inputs as readonly ConcreteTensor[], attrs);
  return innermost.process(primitive as unknown as Primitive, inputs, attrs);
}

/** Applies a construct. A program under way records it even where no input is traced. */
export function bindMany<A extends Attrs>(
  construct: Construct<A>,
  inputs: readonly Tensor[],
  attrs: A,
): readonly Tensor[] {
  const innermost =
    innermostOf(construct.name, inputs) ?? findActiveTrace((active) => active.standsFor('blocks'));
  if (innermost === undefined) return construct.evaluate(inputs, attrs);
  return innermost.processMany(construct as unknown as Construct, inputs, attrs);
}

/** The innermost interpreter among the inputs, or the one inside of it that takes all. */
function innermostOf(op: string, inputs: readonly Tensor[]): Trace | undefined {
  let innermost: Trace | undefined;
  for (const input of inputs) {
    if (input instanceof Tracer) {
      const { trace } = input;
      if (!trace.active) throw leaked(op);
      if (innermost === undefined || trace.level > innermost.level) innermost = trace;
    }
  }
  return innermost && inner(innermost, (active) => active.takesAll);
}

/** The innermost active trace for which `test` holds, if it lies inside of `trace`; else `trace`. */
function inner(trace: Trace | undefined, test: (active: Trace) => boolean): Trace | undefined {
  const found = findActiveTrace(test);
  return found !== undefined && (trace === undefined || trace.level < found.level) ? found : trace;
}

function leaked(op: string): LockstepError {
  return new LockstepError(
    'trace',
    `${op}: an argument is left over from a transformation (grad, vmap, jit) that has returned; return values from the function instead of storing them outside`,
    { op },
  );
}

/** Runs a primitive at once, into a new array that the garbage collector owns. */
function evaluate<A extends Attrs>(
  primitive: Primitive<A>,
  inputs: readonly ConcreteTensor[],
  attrs: A,
): Tensor {
  const aval = primitive.shape(inputs, attrs);
  if (primitive.alias) return new ConcreteTensor({ ...aval, data: inputs[0]!.data });
  const out = allocateStorage(aval.dtype, aval.shape);
  const storages = inputs.map((input) => input.storage);
  primitive.kernel(out, storages, attrs)(eagerKernels());
  return new ConcreteTensor(out);
}
