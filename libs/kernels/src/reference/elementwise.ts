import { LockstepError } from '@lockstep/errors';
import { type DType, dtypeOf, isFloat, type TypedArray, wholeRange } from '@lockstep/tensor';
import type { Operand } from '../kernels.ts';
import type { BinaryOp, CompareOp, UnaryOp } from '../operations.ts';
import { arithmeticOf } from './arithmetic.ts';
import { float32Math } from './float32-math.ts';
import { float64Math } from './float64-math.ts';

export function fill(out: TypedArray, value: number): void {
  out.fill(value);
}

export function copy(out: TypedArray, x: TypedArray): void {
  requireAlike(out, x);
  out.set(x);
}

/** @throws LockstepError `dtype` or `shape` unless both have one dtype and length. */
export function requireAlike(out: TypedArray, x: TypedArray): void {
  const [to, from] = [dtypeOf(out), dtypeOf(x)];
  if (to !== from) {
    throw new LockstepError('dtype', `copy: out is ${to} and x ${from}; use cast to convert`, { to, from });
  }
  if (out.length !== x.length) {
    throw new LockstepError(
      'shape',
      `copy: out has ${out.length} elements and x ${x.length}; the lengths must be equal`,
      {
        out: out.length,
        x: x.length,
      },
    );
  }
}

export function cast(out: TypedArray, x: TypedArray): void {
  const from = dtypeOf(x);
  const to = dtypeOf(out);
  if (to === 'bool') {
    for (let i = 0; i < out.length; i++) out[i] = x[i] === 0 ? 0 : 1;
  } else if (isFloat(from) && !isFloat(to)) {
    const [lowest, highest] = wholeRange(to);
    // Storing turns NaN into 0.
    for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(Math.trunc(x[i]!), lowest), highest);
  } else {
    out.set(x);
  }
}

/** The nearest integer, ties to the even one; zeros keep their sign. */
function roundTiesToEven(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude < 2 ** 52)) return x;
  const below = Math.floor(magnitude);
  const rest = magnitude - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  const rounded = up ? below + 1 : below;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

type Transcendental = keyof typeof float32Math;

function transcendental(op: Transcendental, dtype: DType): (x: number) => number {
  if (dtype === 'float32') return float32Math[op];
  if (dtype === 'float64') return float64Math[op];
  throw new LockstepError('dtype', `${op}: needs float32 or float64, got ${dtype}; cast it first`, {
    op,
    dtype,
  });
}

/** 1e-30 as a float32, also for float64. */
const FLUSH_BELOW = Math.fround(1e-30);

/** The body of an operation. Storing a result rounds it. */
function unaryFunction(op: UnaryOp, dtype: DType): (x: number) => number {
  switch (op) {
    case 'neg':
      return (x) => -x;
    case 'abs':
      return Math.abs;
    case 'sign':
      return Math.sign;
    case 'floor':
      return Math.floor;
    case 'ceil':
      return Math.ceil;
    case 'round':
      return roundTiesToEven;
    case 'sqrt':
      return Math.sqrt;
    case 'reciprocal':
      return (x) => 1 / x;
    case 'square': {
      const { mul } = arithmeticOf(op, dtype);
      return (x) => mul(x, x);
    }
    case 'relu':
      return (x) => (x <= 0 ? 0 : x);
    case 'flush':
      return (x) => (Math.abs(x) < FLUSH_BELOW ? 0 : x);
    case 'not':
      return (x) => (x === 0 ? 1 : 0);
    case 'exp':
    case 'log':
    case 'sin':
    case 'cos':
    case 'tanh':
    case 'sigmoid':
    case 'erf':
      return transcendental(op, dtype);
    default:
      return op satisfies never;
  }
}

export function unary(op: UnaryOp, out: TypedArray, x: TypedArray): void {
  const f = unaryFunction(op, dtypeOf(out));
  for (let i = 0; i < out.length; i++) out[i] = f(x[i]!);
}

function binaryFunction(op: BinaryOp, dtype: DType): (a: number, b: number) => number {
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
      return arithmeticOf(op, dtype)[op];
    case 'max':
      return Math.max;
    case 'min':
      return Math.min;
    case 'reluGrad':
      return (g, x) => (x > 0 ? g : 0);
    default:
      return op satisfies never;
  }
}

/** The element of `operand` for output element `i`. */
function read(operand: Operand, i: number): number {
  return operand.data[Math.floor(i / operand.repeat) % operand.period]!;
}

export function binary(op: BinaryOp, out: TypedArray, a: Operand, b: Operand): void {
  const f = binaryFunction(op, dtypeOf(out));
  for (let i = 0; i < out.length; i++) out[i] = f(read(a, i), read(b, i));
}

const comparisons: Readonly<Record<CompareOp, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  and: (a, b) => a !== 0 && b !== 0,
  or: (a, b) => a !== 0 || b !== 0,
};

export function compare(op: CompareOp, out: Uint8Array, a: Operand, b: Operand): void {
  const holds = comparisons[op];
  for (let i = 0; i < out.length; i++) out[i] = holds(read(a, i), read(b, i)) ? 1 : 0;
}

export function select(out: TypedArray, condition: Operand, a: Operand, b: Operand): void {
  for (let i = 0; i < out.length; i++) out[i] = read(condition, i) !== 0 ? read(a, i) : read(b, i);
}
