/** The ops as methods of tensors, for formulas that read from left to right. Importing this file installs them. */
import type { DType, Shape } from '@lockstep/tensor';
import * as activations from './compositions/elementwise/activations.ts';
import * as ranges from './compositions/elementwise/ranges.ts';
import * as matrices from './compositions/linear-algebra/matrices.ts';
import * as products from './compositions/linear-algebra/products.ts';
import * as statistics from './compositions/reduce/statistics.ts';
import * as elements from './compositions/shape/at.ts';
import * as axes from './compositions/shape/axes.ts';
import * as joining from './compositions/shape/joining.ts';
import * as repeating from './compositions/shape/repeating.ts';
import * as indices from './compositions/shape/taking.ts';
import type { TensorLike } from './convert.ts';
import { Tensor } from './core.ts';
import * as exponentials from './primitives/elementwise/exponentials.ts';
import * as elementwise from './primitives/elementwise/fusible.ts';
import * as powers from './primitives/elementwise/powers.ts';
import * as trigonometry from './primitives/elementwise/trigonometry.ts';
import * as contraction from './primitives/linear-algebra/matmul.ts';
import * as cumulative from './primitives/reduce/cumulative.ts';
import * as reductions from './primitives/reduce/extrema.ts';
import * as sorting from './primitives/reduce/order.ts';
import * as structural from './primitives/shape/reshape.ts';
import * as slicing from './primitives/shape/slicing.ts';

type Axes = number | readonly number[];
type ReduceOptions = structural.ReduceOptions;

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
  matmul(other: TensorLike, options?: contraction.MatmulOptions): Tensor;

  sum(axes?: Axes, options?: ReduceOptions): Tensor;
  mean(axes?: Axes, options?: ReduceOptions): Tensor;
  max(axes?: Axes, options?: ReduceOptions): Tensor;
  min(axes?: Axes, options?: ReduceOptions): Tensor;
  prod(axes?: Axes, options?: ReduceOptions): Tensor;
  variance(axes?: Axes, options?: statistics.VarianceOptions): Tensor;
  std(axes?: Axes, options?: statistics.VarianceOptions): Tensor;
  norm(axes?: Axes, options?: statistics.NormOptions): Tensor;
  any(axes?: Axes, options?: ReduceOptions): Tensor;
  all(axes?: Axes, options?: ReduceOptions): Tensor;
  logSumExp(axes?: Axes, options?: ReduceOptions): Tensor;
  cumSum(axis?: number, options?: cumulative.CumulativeOptions): Tensor;
  cumProd(axis?: number, options?: cumulative.CumulativeOptions): Tensor;
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
  slice(
    start: readonly slicing.Position[],
    end?: readonly slicing.Position[],
    step?: readonly number[],
  ): Tensor;
  at(...index: readonly elements.Index[]): Tensor;
  flip(axes?: Axes): Tensor;
  roll(shift: Axes, axis?: Axes): Tensor;
  repeat(counts: Axes, axis?: number): Tensor;
  tile(counts: Axes): Tensor;
  split(parts: Axes, axis?: number): Tensor[];
  take(indices: TensorLike, axis?: number): Tensor;
  takeAlongAxis(indices: TensorLike, axis?: number): Tensor;
  sort(axis?: number, options?: sorting.SortOptions): Tensor;
  argSort(axis?: number, options?: sorting.SortOptions): Tensor;
  dot(other: TensorLike): Tensor;
  tril(offset?: number): Tensor;
  triu(offset?: number): Tensor;
  diagonal(offset?: number, axis1?: number, axis2?: number): Tensor;
}

const ops = {
  ...pick(elementwise, [
    'neg',
    'abs',
    'sign',
    'floor',
    'ceil',
    'round',
    'sqrt',
    'reciprocal',
    'square',
    'exp',
    'log',
    'sin',
    'cos',
    'tanh',
    'sigmoid',
    'erf',
    'relu',
    'stopGradient',
    'cast',
    'add',
    'sub',
    'mul',
    'div',
    'maximum',
    'minimum',
    'equal',
    'notEqual',
    'less',
    'lessEqual',
    'greater',
    'greaterEqual',
    'logicalAnd',
    'logicalOr',
    'logicalNot',
  ]),
  ...pick(exponentials, ['expm1', 'log1p', 'log2', 'log10', 'sinh', 'cosh', 'softplus']),
  ...pick(trigonometry, ['tan', 'asin', 'acos', 'atan']),
  ...pick(activations, ['silu', 'gelu', 'elu', 'leakyRelu']),
  ...pick(powers, ['pow', 'remainder']),
  ...pick(ranges, ['trunc', 'clip']),
  isNaN: ranges.isNotANumber,
  isFinite: ranges.isFiniteNumber,
  ...pick(reductions, [
    'mean',
    'max',
    'min',
    'prod',
    'argmax',
    'argmin',
    'softmax',
    'logSoftmax',
    'logSumExp',
  ]),
  ...pick(statistics, ['variance', 'std', 'norm', 'any', 'all']),
  ...pick(cumulative, ['cumSum', 'cumProd']),
  ...pick(structural, ['sum', 'reshape', 'transpose', 'broadcastTo']),
  ...pick(axes, ['ravel', 'expandDims', 'squeeze', 'swapAxes', 'moveAxis']),
  ...pick(elements, ['at']),
  ...pick(slicing, ['slice', 'flip']),
  ...pick(repeating, ['roll', 'repeat', 'tile']),
  ...pick(joining, ['split']),
  ...pick(indices, ['take', 'takeAlongAxis']),
  ...pick(sorting, ['sort', 'argSort']),
  ...pick(products, ['dot']),
  ...pick(matrices, ['tril', 'triu', 'diagonal']),
  ...pick(contraction, ['matmul']),
} as const satisfies Record<keyof TensorMethods, unknown>;

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>;
}

for (const [name, op] of Object.entries(ops)) {
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    value(this: Tensor, ...args: unknown[]) {
      return (op as (x: Tensor, ...rest: unknown[]) => unknown)(this, ...args);
    },
  });
}
