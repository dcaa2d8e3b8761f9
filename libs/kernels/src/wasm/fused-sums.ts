/**
 * Sums of what a fused chain computes, taken block by block: a block's values lie in a slot, and before it what has been
 * summed so far, in the state that `addRows` of `assembly/reduce.ts` goes on from.
 */
import type { ReduceAttrs } from '../kernels.ts';
import { binaryCodes, reduceCodes } from './codes.ts';
import type { Exports } from './module.ts';
import type { WasmMemory } from './webassembly.ts';

/** Works on the elements `start` … `start + count − 1` of a chain. */
export type Stage = (start: number, count: number) => void;

/** Lanes of a sum over a contiguous axis. */
const LANES = 16;
/** The longest chain of additions. */
export const SUM_BLOCK = 16;

/** How a chain is cut for its sums: blocks are multiples of `unit` and do not cross multiples of `extent`. */
export interface Cut {
  readonly unit: number;
  readonly extent: number;
}

const isContiguous = ({ inner }: ReduceAttrs): boolean => inner === 1;
/** Elements that lie side by side and belong together: those of one contiguous sum, or of one index of strided ones. */
const rowOf = (sum: ReduceAttrs): number => (isContiguous(sum) ? sum.size : sum.inner);

/** Undefined if no blocks of at most `longest` elements suit all of the sums; a single sum has always some. */
export function cutFor(sums: readonly ReduceAttrs[], longest: number): Cut | undefined {
  let [unit, extent] = [1, Number.POSITIVE_INFINITY];
  for (const sum of sums) {
    const row = rowOf(sum);
    if (row > longest) extent = Math.min(extent, row);
    const step = row <= longest ? row : isContiguous(sum) ? LANES : 1;
    unit = leastCommonMultiple(unit, step);
  }
  const isAlone = new Set(sums.map((sum) => `${rowOf(sum)} ${isContiguous(sum)}`)).size === 1;
  const divides = sums.every((sum) => rowOf(sum) <= longest || rowOf(sum) % extent === 0);
  const fits = extent === Number.POSITIVE_INFINITY || isAlone || (divides && extent % unit === 0);
  return fits && unit <= longest ? { unit, extent } : undefined;
}

export function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Whether every block holds all that is summed of it: nothing is carried, and the values may lie anywhere. */
export const takesWholeRows = (sum: ReduceAttrs, longest: number): boolean =>
  isContiguous(sum) && sum.size <= longest;

/** Bytes of the running sums of `rows` rows: a block that was begun, and a level for each bit of the number of blocks. */
export function runningBytes(rows: number, width: number): number {
  const numLevels = 32 - Math.clz32(rows / SUM_BLOCK);
  return 4 * width * (1 + numLevels);
}

/** Bytes that a sum keeps between two blocks; they lie before its slot. */
export function carriedBytes(sum: ReduceAttrs, longest: number): number {
  const { size, inner } = sum;
  if (takesWholeRows(sum, longest)) return 0;
  if (isContiguous(sum)) return runningBytes(Math.ceil(size / LANES), LANES);
  return inner <= longest || size > SUM_BLOCK ? runningBytes(size, inner) : 0;
}

export interface SumHost {
  readonly wasm: Exports;
  readonly memory: WasmMemory;
  /** Address of the workspace. */
  readonly work: number;
}

/** Adds a block's values to the sums at `out`. They lie at `source(start)`, which is one address if sums are carried. */
export function sumStage(
  sum: ReduceAttrs,
  out: number,
  source: (start: number) => number,
  longest: number,
  { wasm, work, memory }: SumHost,
): Stage {
  const floats = new Float32Array(memory.buffer);
  const { size, inner } = sum;
  const values = source(0);
  const carried = values - carriedBytes(sum, longest);
  const reduce = (to: number, from: number, ...[outer, rows, width]: [number, number, number]): void =>
    wasm.reduce(reduceCodes.sum, to, from, outer, rows, width, work);
  const addTo = (to: number, from: number, count: number): void =>
    wasm.binary(binaryCodes.add, to, count, to, 1, count, from, 1, count, work);
  if (takesWholeRows(sum, longest))
    return (start, count) => reduce(out + 4 * (start / size), source(start), count / size, size, 1);
  if (isContiguous(sum)) {
    const step = 4 * LANES;
    return (start, count) => {
      const i = start % size;
      const rows = Math.ceil(count / LANES);
      floats.fill(0, values / 4 + count, values / 4 + rows * LANES);
      wasm.addRows(carried, step, values, i / LANES, rows, LANES);
      if (i + count < size) return;
      wasm.endRows(carried, carried, step, Math.ceil(size / LANES), LANES);
      reduce(out + 4 * Math.floor(start / size), carried, 1, LANES, 1);
    };
  }
  const step = 4 * inner;
  if (inner <= longest) {
    return (start, count) => {
      const end = (start + count) / inner;
      for (let row = start / inner, rows: number; row < end; row += rows) {
        const i = row % size;
        rows = Math.min(end - row, size - i);
        wasm.addRows(carried, step, values + step * (row - start / inner), i, rows, inner);
        if (i + rows === size) wasm.endRows(out + step * Math.floor(row / size), carried, step, size, inner);
      }
    };
  }
  return (start, count) => {
    const [row, column] = [Math.floor(start / inner), start % inner];
    const i = row % size;
    const total = out + step * Math.floor(row / size) + 4 * column;
    if (size > SUM_BLOCK) {
      wasm.addRows(carried + 4 * column, step, values, i, 1, count);
      if (i + 1 === size) wasm.endRows(total, carried + 4 * column, step, size, count);
    } else if (i === 0) reduce(total, values, 1, 1, count);
    else addTo(total, values, count);
  };
}
