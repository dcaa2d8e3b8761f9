/** What control flow shares: values that steer it, values that go around in a loop, rows of arrays. */
import { describeValue, LockstepError } from '@lockstep/errors';
import { allocateStorage, formatShape, sameShape, type TypedArray } from '@lockstep/tensor';
import { firstDifference, flatten, leafPaths, type Structure, unflatten } from '@lockstep/tree';
import type { Construct } from '../construct.ts';
import { asTensor, zerosLike } from '../convert.ts';
import { type Attrs, bindMany, ConcreteTensor, findActiveTrace, Tensor, Tracer } from '../core.ts';
import { construct, primitiveNamed } from '../define.ts';
import { at } from '../primitives/at.ts';
import { stack } from '../primitives/slicing.ts';
import { transpose } from '../primitives/structural.ts';
import { bodiesOf, type Program } from '../program/program.ts';
import { toTensors } from './arguments.ts';

/** Whether what is done now is recorded into a program, whose loops and branches must be recorded too. */
export const isProgramUnderWay = (): boolean =>
  findActiveTrace((trace) => trace.standsFor('blocks')) !== undefined;

/** The elements at the bottom of a traced value, of all examples of a batch; undefined within a program. */
export function elementsOf(x: Tensor): TypedArray | undefined {
  let inner: Tensor | undefined = x;
  while (inner instanceof Tracer) inner = inner.under;
  return inner?.data;
}

/** A scalar of the given type that decides where a computation goes on. */
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

/** A tree of tensors that goes around in a loop, and must come back as it was. */
export interface State {
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
}

/** The leaves of what a body has returned for the state; numbers take the type of what they replace. */
export function returned(op: string, value: unknown, state: State): Tensor[] {
  const { leaves, structure } = flatten(value as never);
  const difference = firstDifference(state.structure, structure);
  if (difference !== undefined) {
    const { path, left, right } = difference;
    throw new LockstepError(
      'argument',
      `${op}: the body returns ${right} ${path === '' ? 'for a state that is' : `at '${path}', where the state has`} ${left}; return the state in the structure in which it came`,
      { op, path },
    );
  }
  return (leaves as unknown[]).map((leaf, i) => {
    const before = state.leaves[i]!;
    const x =
      typeof leaf === 'number' ? asTensor(leaf, before.dtype) : toTensors(op, leaf as Tensor).leaves[0]!;
    if (x.dtype === before.dtype && sameShape(x.shape, before.shape)) return x;
    const names = leafPaths(unflatten(state.structure, [...state.leaves]) as never);
    const name = names[i] === '' ? 'the state' : `'${names[i]}' of the state`;
    throw new LockstepError(
      x.dtype === before.dtype ? 'shape' : 'dtype',
      `${op}: ${name} goes in as ${before.dtype}${formatShape(before.shape)} and comes back as ${x.dtype}${formatShape(x.shape)}; a loop keeps types and shapes: begin with what the body returns, or convert there`,
      { op, leaf: names[i], before: `${before}`, after: `${x}` },
    );
  });
}

/** The shards of a step must take the same way through a program, and meet at the same places. */
export function refuseExchanges(op: string, program: Program): void {
  for (const equation of program.equations) {
    const bodies = bodiesOf(equation);
    for (const body of bodies ?? []) refuseExchanges(op, body);
    if (bodies !== undefined || primitiveNamed(equation.primitive).crosses === undefined) continue;
    throw new LockstepError(
      'trace',
      `${op}: ${equation.primitive} crosses shards, which must not depend on the way that a shard takes; compute it before the ${op} and use the result inside, or after it`,
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
 * All rows of an array at once, so that what loops over them costs no more in reverse mode than it does forwards: one
 * cotangent is put together from those of all rows. [n, ..] → n × [..]
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
