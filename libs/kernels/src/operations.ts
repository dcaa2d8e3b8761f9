/**
 * The operations that backends share, each written once. A name is the name of the operation's body in every backend,
 * and its place is its number: `assembly/operations.ts`, `assembly/dispatch.ts` and `native/operations.h` are generated
 * from these lists.
 *
 * To add an elementwise operation: its name here, `LOCKSTEP_WRITE_GOLDEN=1 npx vitest run --project kernels operations`,
 * a body in `reference/elementwise.ts`, `assembly/bodies.ts` and `native/bodies.inc`, and its values as a case in
 * `reference/reference.test.ts`. The conformance suite takes it from the list.
 */

/** From numbers to numbers. */
export const unaryOps = [
  'neg',
  'abs',
  /** −1 or 1; zeros keep their sign, NaN stays NaN. */
  'sign',
  'floor',
  'ceil',
  /** To the nearest integer, ties to the even one. */
  'round',
  'sqrt',
  'reciprocal',
  'square',
  // float32: our own polynomials, accurate to a few ulp; see `reference/float32-math.ts`.
  'exp',
  'log',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'erf',
  /** x ≤ 0 → +0, else x (NaN stays NaN). */
  'relu',
  /** A magnitude below 1e-30 → +0, else x (NaN stays NaN). Processors are slow with numbers that are tinier still. */
  'flush',
] as const;
export type NumericUnaryOp = (typeof unaryOps)[number];

/** From two numbers to a number. */
export const binaryOps = [
  'add',
  'sub',
  'mul',
  'div',
  /** NaN if either is NaN; max(+0, −0) = +0 and min(+0, −0) = −0. */
  'max',
  'min',
  /** (g, x) → x > 0 ? g : +0. */
  'reluGrad',
] as const;
export type BinaryOp = (typeof binaryOps)[number];

/** From two numbers to a bool, 0 or 1. Every comparison with NaN gives 0, except that `ne` gives 1. */
export const comparisonOps = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export type ComparisonOp = (typeof comparisonOps)[number];

/** From bools to a bool. */
export const logicalOps = ['and', 'or', 'not'] as const;
export type LogicalOp = (typeof logicalOps)[number];

export const reduceOps = ['sum', 'max', 'min'] as const;
export type ReduceOp = (typeof reduceOps)[number];

/** `not` takes a bool array, the others take numbers. */
export type UnaryOp = NumericUnaryOp | 'not';

/** `and` and `or` take bool arrays, the others take numbers. */
export const compareOps = [...comparisonOps, 'and', 'or'] as const;
export type CompareOp = (typeof compareOps)[number];

/** Every elementwise operation in the order of its number. `select` is (condition, a, b) → condition ? a : b. */
export const elementwiseOps = [...unaryOps, ...binaryOps, ...comparisonOps, ...logicalOps, 'select'] as const;
export type ElementwiseOp = (typeof elementwiseOps)[number];

/** The operations' numbers in the wasm and native kernels. */
export const opCodes = numbered(elementwiseOps);
export const reduceCodes = numbered(reduceOps);

function numbered<Op extends string>(ops: readonly Op[]): Readonly<Record<Op, number>> {
  return Object.fromEntries(ops.map((op, code) => [op, code])) as Record<Op, number>;
}

const includes = (ops: readonly string[], op: string): boolean => ops.includes(op);

export const isBinary = (op: ElementwiseOp): op is BinaryOp => includes(binaryOps, op);
export const isCompare = (op: ElementwiseOp): op is CompareOp => includes(compareOps, op);
export const isLogical = (op: ElementwiseOp): op is LogicalOp => includes(logicalOps, op);
/** Whether an operation's result is a bool. */
export const givesBool = (op: ElementwiseOp): boolean => includes(comparisonOps, op) || isLogical(op);
