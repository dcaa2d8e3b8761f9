import { REDUCE_MAX as MAX, REDUCE_MIN as MIN, REDUCE_SUM as SUM } from './operations';
import { floatsAt } from './runs';

/** The most terms of a chain. Longer sums are cut into blocks of this size. */
@inline export const SUM_BLOCK: i32 = 16;
/** Elements of a contiguous axis that are a block in each of the sixteen lanes. */
@inline const LANE_BLOCK: i32 = 256;
@inline const TREE_FLOATS: i32 = 256;

@inline function startOf(op: i32): v128 {
  if (op == SUM) return f32x4.splat(0);
  return f32x4.splat(op == MAX ? -Infinity : Infinity);
}

@inline function combine(op: i32, a: v128, b: v128): v128 {
  if (op == SUM) return f32x4.add(a, b);
  return op == MAX ? f32x4.max(a, b) : f32x4.min(a, b);
}

/**
 * Adds the sum of a block. Sums are combined like the bits of a counter: level l holds the sum of 2ˡ blocks if bit l of
 * `numBlocks`, which counts this block, is set. Levels are `step` bytes apart.
 */
@inline function addBlock(op: i32, levels: usize, step: usize, numBlocks: i32, block: v128): void {
  for (; (numBlocks & 1) == 0; numBlocks >>= 1, levels += step) block = combine(op, v128.load(levels), block);
  v128.store(levels, block);
}

/** The sum of all blocks and of `rest`, an unfinished block. */
@inline function sumOfBlocks(op: i32, levels: usize, step: usize, numBlocks: i32, rest: v128): v128 {
  for (; numBlocks > 0; numBlocks >>= 1, levels += step) {
    if (numBlocks & 1) rest = combine(op, v128.load(levels), rest);
  }
  return rest;
}

@inline export function addSumBlock(levels: usize, step: usize, numBlocks: i32, block: v128): void {
  addBlock(SUM, levels, step, numBlocks, block);
}

@inline export function totalOfBlocks(levels: usize, step: usize, numBlocks: i32, rest: v128): v128 {
  return sumOfBlocks(SUM, levels, step, numBlocks, rest);
}

/** Reduces a contiguous axis in sixteen lanes, which are then combined pairwise. */
@inline function reduceRow(op: i32, x: usize, size: i32, work: usize): f32 {
  const start = startOf(op);
  const levels = work + 64;
  let numBlocks = 0;
  let a: v128, b: v128, c: v128, d: v128;
  let p = start, q = start, r = start, s = start; // a block that waits for its neighbour
  for (;; size -= LANE_BLOCK) {
    a = start, b = start, c = start, d = start;
    // A maximum or minimum does not depend on the order: it is a single block.
    const isWhole = op == SUM && size > LANE_BLOCK;
    const end = x + (<usize>(isWhole ? LANE_BLOCK : size & ~15) << 2);
    for (; x < end; x += 64) {
      a = combine(op, a, v128.load(x));
      b = combine(op, b, v128.load(x, 16));
      c = combine(op, c, v128.load(x, 32));
      d = combine(op, d, v128.load(x, 48));
    }
    if (!isWhole) break;
    if (++numBlocks & 1) {
      p = a, q = b, r = c, s = d;
    } else {
      const numPairs = numBlocks >> 1;
      addBlock(op, levels, 64, numPairs, combine(op, p, a)), addBlock(op, levels + 16, 64, numPairs, combine(op, q, b));
      addBlock(op, levels + 32, 64, numPairs, combine(op, r, c)), addBlock(op, levels + 48, 64, numPairs, combine(op, s, d));
    }
  }
  const rest = size & 15;
  if (rest > 0) {
    v128.store(work, start), v128.store(work, start, 16), v128.store(work, start, 32), v128.store(work, start, 48);
    for (let i = 0; i < rest; i++) store<i32>(floatsAt(work, i), load<i32>(floatsAt(x, i)));
    a = combine(op, a, v128.load(work));
    b = combine(op, b, v128.load(work, 16));
    c = combine(op, c, v128.load(work, 32));
    d = combine(op, d, v128.load(work, 48));
  }
  if (op == SUM) {
    if (numBlocks & 1) a = combine(op, p, a), b = combine(op, q, b), c = combine(op, r, c), d = combine(op, s, d);
    const numPairs = numBlocks >> 1;
    a = sumOfBlocks(op, levels, 64, numPairs, a), b = sumOfBlocks(op, levels + 16, 64, numPairs, b);
    c = sumOfBlocks(op, levels + 32, 64, numPairs, c), d = sumOfBlocks(op, levels + 48, 64, numPairs, d);
  }
  a = combine(op, combine(op, a, c), combine(op, b, d));
  a = combine(op, a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  a = combine(op, a, v128.shuffle<f32>(a, a, 1, 0, 3, 2));
  return f32x4.extract_lane(a, 0);
}

@inline function reduceRows(op: i32, out: usize, x: usize, outer: i32, size: i32, work: usize): void {
  const step = (<usize>size) << 2;
  for (; outer > 0; outer--, out += 4, x += step) store<f32>(out, reduceRow(op, x, size, work));
}

export function sumRow(x: usize, size: i32, work: usize): f32 {
  return reduceRow(SUM, x, size, work);
}

/** Reduces sixteen columns. */
@inline function reduceSixteen(op: i32, out: usize, x: usize, size: i32, step: usize, levels: usize): void {
  const start = startOf(op);
  let numBlocks = 0;
  let a: v128, b: v128, c: v128, d: v128;
  let p = start, q = start, r = start, s = start; // a block that waits for its neighbour
  for (;; size -= SUM_BLOCK) {
    a = start, b = start, c = start, d = start;
    const isWhole = op == SUM && size > SUM_BLOCK;
    for (let i = isWhole ? SUM_BLOCK : size; i > 0; i--, x += step) {
      a = combine(op, a, v128.load(x));
      b = combine(op, b, v128.load(x, 16));
      c = combine(op, c, v128.load(x, 32));
      d = combine(op, d, v128.load(x, 48));
    }
    if (!isWhole) break;
    if (++numBlocks & 1) {
      p = a, q = b, r = c, s = d;
    } else {
      const numPairs = numBlocks >> 1;
      addBlock(op, levels, 64, numPairs, combine(op, p, a)), addBlock(op, levels + 16, 64, numPairs, combine(op, q, b));
      addBlock(op, levels + 32, 64, numPairs, combine(op, r, c)), addBlock(op, levels + 48, 64, numPairs, combine(op, s, d));
    }
  }
  if (op == SUM) {
    if (numBlocks & 1) a = combine(op, p, a), b = combine(op, q, b), c = combine(op, r, c), d = combine(op, s, d);
    const numPairs = numBlocks >> 1;
    a = sumOfBlocks(op, levels, 64, numPairs, a), b = sumOfBlocks(op, levels + 16, 64, numPairs, b);
    c = sumOfBlocks(op, levels + 32, 64, numPairs, c), d = sumOfBlocks(op, levels + 48, 64, numPairs, d);
  }
  v128.store(out, a), v128.store(out, b, 16), v128.store(out, c, 32), v128.store(out, d, 48);
}

/** Reduces four columns, or with `one` one column. */
@inline function reduceFew(op: i32, one: bool, out: usize, x: usize, size: i32, step: usize, levels: usize): void {
  const start = startOf(op);
  let numBlocks = 0;
  for (; op == SUM && size >= SUM_BLOCK; size -= SUM_BLOCK) {
    let block = start;
    for (let i = 0; i < SUM_BLOCK; i++, x += step) block = combine(op, block, one ? v128.load32_splat(x) : v128.load(x));
    addBlock(op, levels, 16, ++numBlocks, block);
  }
  let total = start;
  for (; size > 0; size--, x += step) total = combine(op, total, one ? v128.load32_splat(x) : v128.load(x));
  if (op == SUM) total = sumOfBlocks(op, levels, 16, numBlocks, total);
  if (one) v128.store32_lane(out, total, 0);
  else v128.store(out, total);
}

@inline function reduceColumns(
  op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32, work: usize,
): void {
  const step = (<usize>inner) << 2;
  for (; outer > 0; outer--, out += step, x += <usize>size * step) {
    let j = 0;
    for (; j + 16 <= inner; j += 16) reduceSixteen(op, floatsAt(out, j), floatsAt(x, j), size, step, work);
    for (; j + 4 <= inner; j += 4) reduceFew(op, false, floatsAt(out, j), floatsAt(x, j), size, step, work);
    for (; j < inner; j++) reduceFew(op, true, floatsAt(out, j), floatsAt(x, j), size, step, work);
  }
}

/** The address of row `i`; with `listed` the number of the row is word i of `places`. */
@inline function rowAt(listed: bool, x: usize, xStep: usize, places: usize, i: i32): usize {
  return x + <usize>(listed ? load<u32>(places + ((<usize>i) << 2)) : i) * xStep;
}

/** Adds `count` ≥ 1 rows of four columns, or with `one` of one column, to the sums of `row` earlier rows. */
@inline function addRowsOfFew(
  listed: bool, one: bool, sums: usize, step: usize, x: usize, xStep: usize, places: usize, row: i32, count: i32,
): void {
  let sum = f32x4.splat(0);
  if (row & (SUM_BLOCK - 1)) sum = one ? v128.load32_zero(sums) : v128.load(sums);
  for (let i = 0; i < count; ) {
    const end = min(count, i + SUM_BLOCK - (row & (SUM_BLOCK - 1)));
    row += end - i;
    for (; i < end; i++) {
      const from = rowAt(listed, x, xStep, places, i);
      sum = f32x4.add(sum, one ? v128.load32_zero(from) : v128.load(from));
    }
    if (row & (SUM_BLOCK - 1)) break;
    let level = sums + step;
    for (let n = row / SUM_BLOCK; (n & 1) == 0; n >>= 1, level += step) {
      sum = f32x4.add(one ? v128.load32_zero(level) : v128.load(level), sum);
    }
    if (one) v128.store32_lane(level, sum, 0);
    else v128.store(level, sum);
    sum = f32x4.splat(0);
  }
  if (one) v128.store32_lane(sums, sum, 0);
  else v128.store(sums, sum);
}

/** The same for sixteen columns. */
@inline function addRowsOfSixteen(
  listed: bool, sums: usize, step: usize, x: usize, xStep: usize, places: usize, row: i32, count: i32,
): void {
  const zero = f32x4.splat(0);
  let a = zero, b = zero, c = zero, d = zero;
  if (row & (SUM_BLOCK - 1)) {
    a = v128.load(sums), b = v128.load(sums, 16), c = v128.load(sums, 32), d = v128.load(sums, 48);
  }
  for (let i = 0; i < count; ) {
    const end = min(count, i + SUM_BLOCK - (row & (SUM_BLOCK - 1)));
    row += end - i;
    for (; i < end; i++) {
      const from = rowAt(listed, x, xStep, places, i);
      a = f32x4.add(a, v128.load(from));
      b = f32x4.add(b, v128.load(from, 16));
      c = f32x4.add(c, v128.load(from, 32));
      d = f32x4.add(d, v128.load(from, 48));
    }
    if (row & (SUM_BLOCK - 1)) break;
    const numBlocks = row / SUM_BLOCK, levels = sums + step;
    addBlock(SUM, levels, step, numBlocks, a), addBlock(SUM, levels + 16, step, numBlocks, b);
    addBlock(SUM, levels + 32, step, numBlocks, c), addBlock(SUM, levels + 48, step, numBlocks, d);
    a = zero, b = zero, c = zero, d = zero;
  }
  v128.store(sums, a), v128.store(sums, b, 16), v128.store(sums, c, 32), v128.store(sums, d, 48);
}

@inline function addAllRows(
  listed: bool, sums: usize, step: usize, x: usize, places: usize, row: i32, count: i32, width: i32,
): void {
  const xStep = (<usize>width) << 2;
  let j = 0;
  for (; j + 16 <= width; j += 16) {
    addRowsOfSixteen(listed, floatsAt(sums, j), step, floatsAt(x, j), xStep, places, row, count);
  }
  for (; j + 4 <= width; j += 4) {
    addRowsOfFew(listed, false, floatsAt(sums, j), step, floatsAt(x, j), xStep, places, row, count);
  }
  for (; j < width; j++) {
    addRowsOfFew(listed, true, floatsAt(sums, j), step, floatsAt(x, j), xStep, places, row, count);
  }
}

/** Adds a single row, four columns at a time; `begins` and `ends` say whether a block does. */
@inline function addRowToVectors(
  begins: bool, ends: bool, sums: usize, step: usize, x: usize, row: i32, width: i32,
): void {
  for (let j = 0; j < width; j += 4) {
    const to = floatsAt(sums, j);
    const sum = f32x4.add(begins ? f32x4.splat(0) : v128.load(to), v128.load(floatsAt(x, j)));
    if (ends) {
      addBlock(SUM, to + step, step, (row + 1) / SUM_BLOCK, sum);
      v128.store(to, f32x4.splat(0));
    } else v128.store(to, sum);
  }
}

function addSingleRow(sums: usize, step: usize, x: usize, row: i32, width: i32): void {
  const vectors = width & -4, place = row & (SUM_BLOCK - 1);
  if (place == 0) addRowToVectors(true, false, sums, step, x, row, vectors);
  else if (place == SUM_BLOCK - 1) addRowToVectors(false, true, sums, step, x, row, vectors);
  else addRowToVectors(false, false, sums, step, x, row, vectors);
  for (let j = vectors; j < width; j++) {
    addRowsOfFew(false, true, floatsAt(sums, j), step, floatsAt(x, j), 0, 0, row, 1);
  }
}

/**
 * Adds `count` ≥ 1 rows of `width` floats, the first of which is row `row`, to running sums. The unfinished block lies at
 * `sums`; the levels of finished blocks follow, `step` bytes apart.
 */
export function addRows(sums: usize, step: usize, x: usize, row: i32, count: i32, width: i32): void {
  if (count == 1) addSingleRow(sums, step, x, row, width);
  else addAllRows(false, sums, step, x, 0, row, count, width);
}

/** The same for the rows of x whose numbers lie at `places`. */
export function addListedRows(
  sums: usize, step: usize, x: usize, places: usize, row: i32, count: i32, width: i32,
): void {
  addAllRows(true, sums, step, x, places, row, count, width);
}

/** out = the sum of the `rows` rows that {@link addRows} has added. */
export function endRows(out: usize, sums: usize, step: usize, rows: i32, width: i32): void {
  for (; width >= 4; width -= 4, out += 16, sums += 16) {
    v128.store(out, sumOfBlocks(SUM, sums + step, step, rows / SUM_BLOCK, v128.load(sums)));
  }
  for (; width > 0; width--, out += 4, sums += 4) {
    let total = load<f32>(sums);
    let level = sums + step;
    for (let n = rows / SUM_BLOCK; n > 0; n >>= 1, level += step) if (n & 1) total = load<f32>(level) + total;
    store<f32>(out, total);
  }
}

@inline function reduceAny(op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32, work: usize): void {
  if (inner == 1) reduceRows(op, out, x, outer, size, work);
  else reduceColumns(op, out, x, outer, size, inner, work);
}

export function reduce(op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32, work: usize): void {
  if (op == SUM) reduceAny(SUM, out, x, outer, size, inner, work);
  else if (op == MAX) reduceAny(MAX, out, x, outer, size, inner, work);
  else reduceAny(MIN, out, x, outer, size, inner, work);
}

function addRuns(out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, a += 16, b += 16) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (; count > 0; count--, out += 4, a += 4, b += 4) store<f32>(out, load<f32>(a) + load<f32>(b));
}

/** out = the tree sum of `segments` ≥ 2 runs, `step` bytes apart. `spare` has room for a run for each level. */
function treeRuns(out: usize, x: usize, segments: i32, step: usize, count: i32, spare: usize): void {
  if (segments == 2) return addRuns(out, x, x + step, count);
  const half = segments >> 1;
  treeRuns(out, x, half, step, count, spare);
  treeRuns(spare, x + <usize>half * step, half, step, count, spare + ((<usize>TREE_FLOATS) << 2));
  addRuns(out, out, spare, count);
}

/** The tree sum over segments, whose number is a power of two above 1. */
export function treeSum(out: usize, x: usize, segments: i32, size: i32, work: usize): void {
  const step = (<usize>size) << 2;
  for (let j = 0; j < size; j += TREE_FLOATS) {
    treeRuns(floatsAt(out, j), floatsAt(x, j), segments, step, min(size - j, TREE_FLOATS), work);
  }
}
