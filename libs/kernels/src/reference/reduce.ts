import { type DType, dtypeOf, isFloat, type TypedArray } from '@lockstep/tensor';
import type { ReduceAttrs } from '../kernels.ts';
import type { ReduceOp } from '../operations.ts';
import { type Arithmetic, arithmeticOf } from './arithmetic.ts';
import { treeCombine } from './tree.ts';

const LANES = 16;
/** The most terms of a chain. Longer sums are cut into blocks of this size. */
const BLOCK = 16;

/** The sum of `term(0) … term(size − 1)` in the order of a contiguous axis: 16 lanes, combined pairwise. */
export function sumInLanes(size: number, term: (i: number) => number, arithmetic: Arithmetic): number {
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    const numTerms = Math.max(0, Math.ceil((size - lane) / LANES));
    return sumInBlocks(numTerms, (i) => term(i * LANES + lane), arithmetic);
  });
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let j = 0; j < half; j++) lanes[j] = arithmetic.add(lanes[j]!, lanes[j + half]!);
  }
  return lanes[0]!;
}

/**
 * The sum of `term(0) … term(size − 1)` in the order of a strided axis: chains of 16, combined like the bits of a counter. Two
 * sums of equally many blocks are combined as soon as there are two; at the end the remaining sums are added, shortest first.
 */
export function sumInBlocks(size: number, term: (i: number) => number, { add }: Arithmetic): number {
  const sums: number[] = [];
  for (let block = 0; block * BLOCK < size; block++) {
    let sum = 0;
    for (let i = block * BLOCK; i < Math.min((block + 1) * BLOCK, size); i++) sum = add(sum, term(i));
    for (let before = block; before % 2 === 1; before = (before - 1) / 2) sum = add(sums.pop()!, sum);
    sums.push(sum);
  }
  return sums.reduceRight((total, sum) => add(sum, total), 0);
}

/** The results of `max` and `min` without elements. */
function extremeOf(op: 'max' | 'min', dtype: DType): number {
  if (isFloat(dtype)) return op === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (dtype === 'int32') return op === 'max' ? -2147483648 : 2147483647;
  if (op === 'max') return 0;
  return dtype === 'bool' ? 1 : 4294967295;
}

type Reduction = (size: number, term: (i: number) => number) => number;

function reductionOf(op: ReduceOp, dtype: DType, inner: number): Reduction {
  if (op === 'sum') {
    const arithmetic = arithmeticOf('reduce', dtype);
    const sum = inner === 1 ? sumInLanes : sumInBlocks;
    return (size, term) => sum(size, term, arithmetic);
  }
  const start = extremeOf(op, dtype);
  const combine = op === 'max' ? Math.max : Math.min;
  return (size, term) => {
    let result = start;
    for (let i = 0; i < size; i++) result = combine(result, term(i));
    return result;
  };
}

/** Calls `visit` with each output index and a function that reads its `i`th element along the reduced axis. */
function forEachOutput(
  x: TypedArray,
  { outer, size, inner }: ReduceAttrs,
  visit: (output: number, element: (i: number) => number) => void,
): void {
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) visit(o * inner + j, (i) => x[(o * size + i) * inner + j]!);
  }
}

export function reduce(op: ReduceOp, out: TypedArray, x: TypedArray, attrs: ReduceAttrs): void {
  const reduction = reductionOf(op, dtypeOf(out), attrs.inner);
  forEachOutput(x, attrs, (output, element) => {
    out[output] = reduction(attrs.size, element);
  });
}

/** Whether `x` is larger than `best`, or the first NaN. */
export function isLarger(x: number, best: number): boolean {
  return x > best || (Number.isNaN(x) && !Number.isNaN(best));
}

export function argmax(out: Int32Array, x: TypedArray, attrs: ReduceAttrs): void {
  forEachOutput(x, attrs, (output, element) => {
    let best = 0;
    for (let i = 1; i < attrs.size; i++) if (isLarger(element(i), element(best))) best = i;
    out[output] = best;
  });
}

export function treeSum(out: TypedArray, x: TypedArray, attrs: { segments: number; size: number }): void {
  const { segments, size } = attrs;
  const { add } = arithmeticOf('treeSum', dtypeOf(out));
  for (let j = 0; j < size; j++) out[j] = treeCombine('treeSum', segments, (s) => x[s * size + j]!, add);
}
