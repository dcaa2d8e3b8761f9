/**
 * The closed core, in three ideas: a {@link Tensor} is a value that ops take and give; a {@link Primitive} is an
 * operation with its rules; a {@link Trace} is an interpreter that gives a primitive another meaning (a tangent beside
 * each value, a node on a tape, a batch axis, an equation in a program). `bind` hands a primitive to the innermost
 * interpreter among its inputs; without an interpreter the primitive runs at once. `bindMany` does the same for a
 * {@link Construct}, an operation made of functions: a loop, a branch, a checkpoint.
 *
 * After Autograd (Maclaurin et al., 2015) and JAX's core (Frostig et al., 2018).
 */

import { LockstepError, signature } from '@lockstep/errors';
import { allocateStorage, type DType, type Shape, type TypedArray } from '@lockstep/tensor';
import type { Construct } from './construct.ts';
import { aTensor } from './kinds.ts';
import type { Attrs, Primitive } from './primitive.ts';
import { eagerKernels } from './profile.ts';
import { ConcreteTensor, Tensor } from './tensor.ts';

/** A value of an interpreter. */
export abstract class Tracer extends Tensor {
  abstract readonly trace: Trace;
  /**
   * The value that it stands for in the next interpreter out; undefined in a program that is being traced, which has no
   * values yet.
   */
  abstract readonly under: Tensor | undefined;
}

/** A value of an interpreter of derivatives: the primal beside the derivative's own data. */
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
  /** Whether JavaScript operators took numbers out of its values. Comparisons may do that, arithmetic must not. */
  gaveNumbers = false;
  /** Depth of nesting: the innermost interpreter among a primitive's inputs has the highest level. */
  readonly level: number;
  /** False once the transformation has returned: its tracers must not be used any more. */
  active = true;

  constructor(level: number) {
    this.level = level;
  }

  /**
   * True if the interpreter alone processes every operation on traced values while it is active, also on the values of
   * other interpreters.
   */
  get takesAll(): boolean {
    return false;
  }

  /** Whether the interpreter processes primitives that cross shards or blocks. */
  standsFor(_crossed: 'shards' | 'blocks'): boolean {
    return false;
  }

  abstract process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor;
  abstract processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
}

/** The active interpreters, outermost first. */
const activeTraces: Trace[] = [];

/** Runs `body` with a new innermost interpreter. Unique levels rule out perturbation confusion. */
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

/** Runs `body` on concrete values at once, hidden from all active interpreters. */
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

const checkIsUsable = signature('isUsable', { x: aTensor });

/** Whether a value can still be used: it cannot once a transformation to which it belongs has returned. */
export function isUsable(x: Tensor): boolean {
  checkIsUsable(x);
  for (let at: Tensor | undefined = x; at instanceof Tracer; at = at.under)
    if (!at.trace.active) return false;
  return true;
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

/** Applies a construct. A program that is being traced records it even where no input is traced. */
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

/** The innermost interpreter among the inputs, or one inside it that takes all operations. */
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

/** The innermost active trace for which `test` holds, if it lies inside `trace`; else `trace`. */
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

/** Runs a primitive at once, into a new array. */
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
