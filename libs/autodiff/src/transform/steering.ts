/** What control flow shares: values that steer it, states of loops, rows of arrays. */
import { describeValue, LockstepError } from '@lockstep/errors';
import { allocateStorage, formatShape, sameShape, type TypedArray } from '@lockstep/tensor';
import { firstDifference, flatten, leafPaths, type Structure, unflatten } from '@lockstep/tree';
import { at } from '../compositions/shape/at.ts';
import type { Construct } from '../construct.ts';
import { asTensor, zerosLike } from '../convert.ts';
import { bindMany, findActiveTrace, Tracer } from '../core.ts';
import { construct, primitiveNamed } from '../define.ts';
import type { Attrs } from '../primitive.ts';
import { stack } from '../primitives/shape/concatenate.ts';
import { transpose } from '../primitives/shape/reshape.ts';
import { bodiesOf, type Program } from '../program/program.ts';
import { ConcreteTensor, Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';

/** Whether operations are being recorded into a program, so that loops and branches must be recorded too. */
export const isProgramUnderWay = (): boolean =>
  findActiveTrace((trace) => trace.standsFor('blocks')) !== undefined;

/** The elements of a traced value below all interpreters, for all examples of a batch; undefined within a program. */
export function elementsOf(x: Tensor): TypedArray | undefined {
  let inner: Tensor | undefined = x;
  while (inner instanceof Tracer) inner = inner.under;
  return inner?.data;
}

/** A scalar of the given type that steers control flow. */
export function steering(op: string, what: string, value: unknown, dtype: 'bool' | 'int32'): Tensor {
  const isPlain = dtype === 'bool' ? typeof value === 'boolean' : Number.isInteger(value);
  if (!isPlain && !(value instanceof Tensor)) {
    throw new LockstepError(
      'argument',
      `${op}: ${what} is ${describeValue(value)}, not ${dtype === 'bool' ? 'true, false or a bool tensor of one element' : 'a whole number or an int32 tensor of one element'}`,
      { op },
    );
  }
  const x = asTensor(typeof value === 'boolean' ? Number(value) : (value as number | Tensor), dtype);
  if (x.rank === 0 && x.dtype === dtype) return x;
  throw new LockstepError(
    x.rank === 0 ? 'dtype' : 'shape',
    `${op}: ${what} is ${x.dtype}${formatShape(x.shape)}, not ${dtype}[]; ${dtype === 'bool' ? 'compare, as in x.less(1), and reduce to one element' : "convert with .cast('int32')"}`,
    { op, dtype: x.dtype, shape: x.shape },
  );
}

/** A tree of tensors that a loop carries. It must come back in the same form. */
export interface State {
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
}

/** The leaves of the state that a body returned; numbers take the type of the leaf that they replace. */
export function returned(op: string, value: unknown, state: State): Tensor[] {
  const { leaves, structure } = flatten(value);
  const difference = firstDifference(state.structure, structure);
  if (difference !== undefined) {
    const { path, left, right } = difference;
    throw new LockstepError(
      'argument',
      `${op}: the body returns ${right} ${path === '' ? 'for a state that is' : `at '${path}', where the state has`} ${left}; return the state in the structure in which it came`,
      { op, path },
    );
  }
  return leaves.map((leaf, i) => {
    const before = state.leaves[i]!;
    const x =
      typeof leaf === 'number' ? asTensor(leaf, before.dtype) : toTensors(op, leaf as Tensor).leaves[0]!;
    if (x.dtype === before.dtype && sameShape(x.shape, before.shape)) return x;
    const names = leafPaths(unflatten(state.structure, [...state.leaves]));
    const name = names[i] === '' ? 'the state' : `'${names[i]}' of the state`;
    throw new LockstepError(
      x.dtype === before.dtype ? 'shape' : 'dtype',
      `${op}: ${name} goes in as ${before.dtype}${formatShape(before.shape)} and comes back as ${x.dtype}${formatShape(x.shape)}; a loop keeps types and shapes: begin with what the body returns, or convert there`,
      { op, leaf: names[i], before: `${before}`, after: `${x}` },
    );
  });
}

/**
 * Throws if the program crosses shards: all shards of a step must take the same path through a program and meet at the
 * same places.
 */
export function refuseExchanges(op: string, program: Program): void {
  for (const equation of program.equations) {
    const bodies = bodiesOf(equation);
    for (const body of bodies ?? []) refuseExchanges(op, body);
    if (bodies !== undefined || primitiveNamed(equation.primitive).crosses === undefined) continue;
    throw new LockstepError(
      'trace',
      `${op}: ${equation.primitive} crosses shards, which must not depend on the path that a shard takes; compute it before the ${op} and use the result inside, or after it`,
      { op, primitive: equation.primitive },
    );
  }
}

/** x[t] without a copy. */
export function rowOf(x: ConcreteTensor, t: number): Tensor {
  const shape = x.shape.slice(1);
  const size = x.size / x.shape[0]!;
  return new ConcreteTensor({ dtype: x.dtype, shape, data: x.data.subarray(t * size, (t + 1) * size) });
}

export function stackRows(rows: readonly Tensor[]): Tensor {
  const { dtype, shape } = rows[0]!;
  const out = allocateStorage(dtype, [rows.length, ...shape]);
  const size = out.data.length / rows.length;
  for (const [t, row] of rows.entries()) out.data.set(row.data, t * size);
  return new ConcreteTensor(out);
}

export const swapFirstAxes = (x: Tensor): Tensor =>
  transpose(x, [1, 0, ...x.shape.map((_, axis) => axis).slice(2)]);

/**
 * All rows of an array at once, so a loop over them costs no more in reverse mode than forward: one cotangent is put
 * together from those of all rows. [n, ..] → n × [..]
 */
const rowsConstruct: Construct = construct<Attrs>({
  name: 'rows',
  shape: ([x]) => Array.from({ length: x!.shape[0]! }, () => ({ dtype: x!.dtype, shape: x!.shape.slice(1) })),
  evaluate: ([x]) => Array.from({ length: x!.shape[0]! }, (_, t) => rowOf(x as ConcreteTensor, t)),
  jvp: ([x], [tangent]) => ({ outs: rows(x!), tangents: tangent === undefined ? [] : rows(tangent) }),
  vjp([x]) {
    const outs = rows(x!);
    return { outs, pull: (cts) => [stack(outs.map((row, t) => cts[t] ?? zerosLike(row)))] };
  },
  batch: ([x]) => rows(swapFirstAxes(x!)).map((value) => ({ value, batched: true })),
  record: ([x]) => Array.from({ length: x!.shape[0]! }, (_, t) => at(x!, t)),
});

export const rows = (x: Tensor): readonly Tensor[] => bindMany(rowsConstruct, [x], {});
