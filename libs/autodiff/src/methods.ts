/**
 * The ops as methods of tensors, for formulas that read from left to right. Importing this file installs them, and adds
 * their types to `Tensor`: tensor.ts itself knows no op.
 */
import type { DType, Shape } from '@lockstep/tensor';
import { elu, gelu, leakyRelu, silu } from './compositions/elementwise/activations.ts';
import { tan } from './compositions/elementwise/functions.ts';
import { clip, isFiniteNumber, isNotANumber, trunc } from './compositions/elementwise/ranges.ts';
import { diagonal, tril, triu } from './compositions/linear-algebra/matrices.ts';
import { dot } from './compositions/linear-algebra/products.ts';
import { logSoftmax, logSumExp, mean, prod, softmax } from './compositions/reduce/means.ts';
import { cumProd } from './compositions/reduce/running.ts';
import { sort } from './compositions/reduce/sorting.ts';
import {
  all,
  any,
  type NormOptions,
  norm,
  std,
  type VarianceOptions,
  variance,
} from './compositions/reduce/statistics.ts';
import { at, type Index } from './compositions/shape/at.ts';
import { expandDims, moveAxis, ravel, squeeze, swapAxes } from './compositions/shape/axes.ts';
import { split } from './compositions/shape/joining.ts';
import { repeat, roll, tile } from './compositions/shape/repeating.ts';
import { take, takeAlongAxis } from './compositions/shape/taking.ts';
import type { TensorLike } from './convert.ts';
import { cast, stopGradient } from './primitives/elementwise/cast.ts';
import { cosh, expm1, log1p, log2, log10, sinh, softplus } from './primitives/elementwise/exponentials.ts';
import {
  abs,
  add,
  ceil,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  sub,
  tanh,
} from './primitives/elementwise/fusible.ts';
import { pow, remainder } from './primitives/elementwise/powers.ts';
import { acos, asin, atan } from './primitives/elementwise/trigonometry.ts';
import { type MatmulOptions, matmul } from './primitives/linear-algebra/matmul.ts';
import { type CumulativeOptions, cumSum } from './primitives/reduce/cumulative.ts';
import { argmax, argmin, max, min } from './primitives/reduce/extrema.ts';
import { argSort, type SortOptions } from './primitives/reduce/order.ts';
import { broadcastTo, type ReduceOptions, sum } from './primitives/reduce/sum.ts';
import { reshape, transpose } from './primitives/shape/reshape.ts';
import { flip, type Position, slice } from './primitives/shape/slicing.ts';
import { Tensor } from './tensor.ts';

type Axes = number | readonly number[];

export interface TensorMethods {
  neg(): Tensor;
  abs(): Tensor;
  sign(): Tensor;
  floor(): Tensor;
  ceil(): Tensor;
  round(): Tensor;
  sqrt(): Tensor;
  reciprocal(): Tensor;
  square(): Tensor;
  exp(): Tensor;
  log(): Tensor;
  sin(): Tensor;
  cos(): Tensor;
  tanh(): Tensor;
  sigmoid(): Tensor;
  erf(): Tensor;
  relu(): Tensor;
  stopGradient(): Tensor;
  cast(dtype: DType): Tensor;
  expm1(): Tensor;
  log1p(): Tensor;
  log2(): Tensor;
  log10(): Tensor;
  sinh(): Tensor;
  cosh(): Tensor;
  tan(): Tensor;
  asin(): Tensor;
  acos(): Tensor;
  atan(): Tensor;
  softplus(): Tensor;
  silu(): Tensor;
  gelu(options?: { approximate?: 'none' | 'tanh' }): Tensor;
  elu(alpha?: number): Tensor;
  leakyRelu(slope?: number): Tensor;
  trunc(): Tensor;
  isNaN(): Tensor;
  isFinite(): Tensor;
  clip(low?: TensorLike, high?: TensorLike): Tensor;

  add(other: TensorLike): Tensor;
  sub(other: TensorLike): Tensor;
  mul(other: TensorLike): Tensor;
  div(other: TensorLike): Tensor;
  pow(exponent: TensorLike): Tensor;
  remainder(other: TensorLike): Tensor;
  maximum(other: TensorLike): Tensor;
  minimum(other: TensorLike): Tensor;
  equal(other: TensorLike): Tensor;
  notEqual(other: TensorLike): Tensor;
  less(other: TensorLike): Tensor;
  lessEqual(other: TensorLike): Tensor;
  greater(other: TensorLike): Tensor;
  greaterEqual(other: TensorLike): Tensor;
  logicalAnd(other: TensorLike): Tensor;
  logicalOr(other: TensorLike): Tensor;
  logicalNot(): Tensor;
  matmul(other: TensorLike, options?: MatmulOptions): Tensor;

  sum(axes?: Axes, options?: ReduceOptions): Tensor;
  mean(axes?: Axes, options?: ReduceOptions): Tensor;
  max(axes?: Axes, options?: ReduceOptions): Tensor;
  min(axes?: Axes, options?: ReduceOptions): Tensor;
  prod(axes?: Axes, options?: ReduceOptions): Tensor;
  variance(axes?: Axes, options?: VarianceOptions): Tensor;
  std(axes?: Axes, options?: VarianceOptions): Tensor;
  norm(axes?: Axes, options?: NormOptions): Tensor;
  any(axes?: Axes, options?: ReduceOptions): Tensor;
  all(axes?: Axes, options?: ReduceOptions): Tensor;
  logSumExp(axes?: Axes, options?: ReduceOptions): Tensor;
  cumSum(axis?: number, options?: CumulativeOptions): Tensor;
  cumProd(axis?: number, options?: CumulativeOptions): Tensor;
  argmax(axis?: number, options?: ReduceOptions): Tensor;
  argmin(axis?: number, options?: ReduceOptions): Tensor;
  softmax(axis?: number): Tensor;
  logSoftmax(axis?: number): Tensor;

  reshape(shape: Shape): Tensor;
  transpose(axes?: readonly number[]): Tensor;
  broadcastTo(shape: Shape): Tensor;
  ravel(): Tensor;
  expandDims(axes: Axes): Tensor;
  squeeze(axes?: Axes): Tensor;
  swapAxes(axis1: number, axis2: number): Tensor;
  moveAxis(from: Axes, to: Axes): Tensor;
  slice(start: readonly Position[], end?: readonly Position[], step?: readonly number[]): Tensor;
  at(...index: readonly Index[]): Tensor;
  flip(axes?: Axes): Tensor;
  roll(shift: Axes, axis?: Axes): Tensor;
  repeat(counts: Axes, axis?: number): Tensor;
  tile(counts: Axes): Tensor;
  split(parts: Axes, axis?: number): Tensor[];
  take(indices: TensorLike, axis?: number): Tensor;
  takeAlongAxis(indices: TensorLike, axis?: number): Tensor;
  sort(axis?: number, options?: SortOptions): Tensor;
  argSort(axis?: number, options?: SortOptions): Tensor;
  dot(other: TensorLike): Tensor;
  tril(offset?: number): Tensor;
  triu(offset?: number): Tensor;
  diagonal(offset?: number, axis1?: number, axis2?: number): Tensor;
}

declare module './tensor.ts' {
  interface Tensor extends TensorMethods {}
}

const ops = {
  neg,
  abs,
  sign,
  floor,
  ceil,
  round,
  sqrt,
  reciprocal,
  square,
  exp,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  relu,
  stopGradient,
  cast,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  logicalAnd,
  logicalOr,
  logicalNot,
  expm1,
  log1p,
  log2,
  log10,
  sinh,
  cosh,
  softplus,
  tan,
  asin,
  acos,
  atan,
  silu,
  gelu,
  elu,
  leakyRelu,
  pow,
  remainder,
  trunc,
  clip,
  mean,
  max,
  min,
  prod,
  argmax,
  argmin,
  softmax,
  logSoftmax,
  logSumExp,
  variance,
  std,
  norm,
  any,
  all,
  cumSum,
  cumProd,
  sum,
  reshape,
  transpose,
  broadcastTo,
  ravel,
  expandDims,
  squeeze,
  swapAxes,
  moveAxis,
  at,
  slice,
  flip,
  roll,
  repeat,
  tile,
  split,
  take,
  takeAlongAxis,
  sort,
  argSort,
  dot,
  tril,
  triu,
  diagonal,
  matmul,
  isNaN: isNotANumber,
  isFinite: isFiniteNumber,
} as const satisfies Record<keyof TensorMethods, unknown>;

for (const [name, op] of Object.entries(ops)) {
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    value(this: Tensor, ...args: unknown[]) {
      return (op as (x: Tensor, ...rest: unknown[]) => unknown)(this, ...args);
    },
  });
}
