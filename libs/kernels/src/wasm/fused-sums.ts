/**
 * Sums over the values of a fused chain, block by block. A block's values lie in a slot; the state of the sum, from which
 * `addRows` of `assembly/reduce.ts` goes on, lies before the slot.
 */
import type { ReduceAttrs } from '../kernels.ts';
import { reduceCodes } from '../operations.ts';
import type { Exports } from './module.ts';
import type { WasmMemory } from './webassembly.ts';

/** Processes the elements `start` … `start + count − 1` of a chain. */
export type Stage = (start: number, count: number) => void;

/** Lanes of a sum over a contiguous axis. */
const LANES = 16;
/** The longest chain of additions. */
const SUM_BLOCK = 16;

/**
 * How a chain is cut for its sums: blocks are multiples of `unit` and do not cross multiples of `extent`. Blocks come in
 * ascending order. With `rows` the chain is seen as matrices of `rows` rows of `extent` elements, and blocks come column
 * after column, so that the columns of a single block are summed at a time.
 */
export interface Cut {
  readonly unit: number;
  readonly extent: number;
  readonly rows?: number;
}

const isContiguous = ({ inner }: ReduceAttrs): boolean => inner === 1;
/** Neighbouring elements that belong together: those of one contiguous sum, or of one index of a strided sum. */
const rowOf = (sum: ReduceAttrs): number => (isContiguous(sum) ? sum.size : sum.inner);

/** The cut for all of the sums, in blocks of at most `longest` elements; undefined if there is none. A single sum has one. */
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
  const carried = sums.reduce((total, sum) => total + carriedBytes(sum, longest), 0);
  if (!fits || unit > longest || (sums.length > 1 && carried > MAX_CARRIED_BYTES)) return undefined;
  const wide = sums.find((sum) => isByColumns(sum, longest));
  if (wide === undefined) return { unit, extent };
  const areAlike = sums.every(
    (sum) => takesWholeRows(sum, longest) || (sum.inner === wide.inner && sum.size === wide.size),
  );
  return areAlike ? { unit, extent, rows: wide.size } : undefined;
}

/** The most bytes that the sums of a pass keep between two blocks: few enough for a near cache and for the workspace. */
const MAX_CARRIED_BYTES = 1 << 18;

/** Whether a strided sum is computed some columns at a time, because the running sums of all columns need too much room. */
const isByColumns = ({ size, inner }: ReduceAttrs, longest: number): boolean =>
  inner > longest && runningBytes(size, inner) > MAX_CARRIED_BYTES;

export function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Whether a block holds whole sums. Then nothing is kept between blocks, and the values may lie anywhere. */
export const takesWholeRows = (sum: ReduceAttrs, longest: number): boolean =>
  isContiguous(sum) && sum.size <= longest;

/** Bytes of the running sums of `rows` rows: an unfinished block, and a level for each bit of the number of blocks. */
export function runningBytes(rows: number, width: number): number {
  const numLevels = 32 - Math.clz32(rows / SUM_BLOCK);
  return 4 * width * (1 + numLevels);
}

/** Bytes that a sum keeps between two blocks. They lie before its slot. */
export function carriedBytes(sum: ReduceAttrs, longest: number): number {
  const { size, inner } = sum;
  if (takesWholeRows(sum, longest)) return 0;
  if (isContiguous(sum)) return runningBytes(Math.ceil(size / LANES), LANES);
  return runningBytes(size, isByColumns(sum, longest) ? longest : inner);
}

export interface SumHost {
  readonly wasm: Exports;
  readonly memory: WasmMemory;
  /** Address of the workspace. */
  readonly work: number;
}

/** A stage that adds a block's values, which lie at `source(start)`, to the sums at `out`. */
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
  const isTiled = isByColumns(sum, longest);
  const levelStep = isTiled ? 4 * longest : step;
  return (start, count) => {
    const [row, column] = [Math.floor(start / inner), start % inner];
    const i = row % size;
    const own = isTiled ? carried : carried + 4 * column;
    wasm.addRows(own, levelStep, values, i, 1, count);
    if (i + 1 < size) return;
    wasm.endRows(out + step * Math.floor(row / size) + 4 * column, own, levelStep, size, count);
  };
}
