import { floatsAt } from './runs';

@inline const SUM: i32 = 0;
@inline const MAX: i32 = 1;
/** Indices of a strided axis that are summed before they join the total. */
@inline const SUM_BLOCK: i32 = 128;
@inline const TREE_FLOATS: i32 = 256;

@inline function startOf(op: i32): v128 {
  if (op == SUM) return f32x4.splat(0);
  return f32x4.splat(op == MAX ? -Infinity : Infinity);
}

@inline function combine(op: i32, a: v128, b: v128): v128 {
  if (op == SUM) return f32x4.add(a, b);
  return op == MAX ? f32x4.max(a, b) : f32x4.min(a, b);
}

/** Sixteen lanes, combined pairwise. The last few elements fill up with what changes nothing. */
@inline function reduceRow(op: i32, x: usize, size: i32, work: usize): f32 {
  const start = startOf(op);
  let a = start, b = start, c = start, d = start;
  for (; size >= 16; size -= 16, x += 64) {
    a = combine(op, a, v128.load(x));
    b = combine(op, b, v128.load(x, 16));
    c = combine(op, c, v128.load(x, 32));
    d = combine(op, d, v128.load(x, 48));
  }
  if (size > 0) {
    v128.store(work, start), v128.store(work, start, 16), v128.store(work, start, 32), v128.store(work, start, 48);
    for (let i = 0; i < size; i++) store<i32>(floatsAt(work, i), load<i32>(floatsAt(x, i)));
    a = combine(op, a, v128.load(work));
    b = combine(op, b, v128.load(work, 16));
    c = combine(op, c, v128.load(work, 32));
    d = combine(op, d, v128.load(work, 48));
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

/** Sixteen columns at a time: a chain of chains of 128. */
@inline function reduceSixteen(op: i32, out: usize, x: usize, size: i32, step: usize): void {
  const start = startOf(op);
  let a = start, b = start, c = start, d = start;
  for (let i = 0; i < size; i += SUM_BLOCK) {
    let p = start, q = start, r = start, s = start;
    for (let end = min(size - i, SUM_BLOCK); end > 0; end--, x += step) {
      p = combine(op, p, v128.load(x));
      q = combine(op, q, v128.load(x, 16));
      r = combine(op, r, v128.load(x, 32));
      s = combine(op, s, v128.load(x, 48));
    }
    a = combine(op, a, p), b = combine(op, b, q), c = combine(op, c, r), d = combine(op, d, s);
  }
  v128.store(out, a), v128.store(out, b, 16), v128.store(out, c, 32), v128.store(out, d, 48);
}

/** Four columns, or with `one` a single one. */
@inline function reduceFew(op: i32, one: bool, out: usize, x: usize, size: i32, step: usize): void {
  const start = startOf(op);
  let total = start;
  for (let i = 0; i < size; i += SUM_BLOCK) {
    let block = start;
    for (let end = min(size - i, SUM_BLOCK); end > 0; end--, x += step) {
      block = combine(op, block, one ? v128.load32_splat(x) : v128.load(x));
    }
    total = combine(op, total, block);
  }
  if (one) v128.store32_lane(out, total, 0);
  else v128.store(out, total);
}

@inline function reduceColumns(op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  for (; outer > 0; outer--, out += step, x += <usize>size * step) {
    let j = 0;
    for (; j + 16 <= inner; j += 16) reduceSixteen(op, floatsAt(out, j), floatsAt(x, j), size, step);
    for (; j + 4 <= inner; j += 4) reduceFew(op, false, floatsAt(out, j), floatsAt(x, j), size, step);
    for (; j < inner; j++) reduceFew(op, true, floatsAt(out, j), floatsAt(x, j), size, step);
  }
}

@inline function reduceAny(op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32, work: usize): void {
  if (inner == 1) reduceRows(op, out, x, outer, size, work);
  else reduceColumns(op, out, x, outer, size, inner);
}

export function reduce(op: i32, out: usize, x: usize, outer: i32, size: i32, inner: i32, work: usize): void {
  if (op == SUM) reduceAny(SUM, out, x, outer, size, inner, work);
  else if (op == MAX) reduceAny(MAX, out, x, outer, size, inner, work);
  else reduceAny(2, out, x, outer, size, inner, work);
}

function addRuns(out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, a += 16, b += 16) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (; count > 0; count--, out += 4, a += 4, b += 4) store<f32>(out, load<f32>(a) + load<f32>(b));
}

/** out = the tree over `segments` ≥ 2 runs, `step` bytes apart; `spare` has a run for each level. */
function treeRuns(out: usize, x: usize, segments: i32, step: usize, count: i32, spare: usize): void {
  if (segments == 2) return addRuns(out, x, x + step, count);
  const half = segments >> 1;
  treeRuns(out, x, half, step, count, spare);
  treeRuns(spare, x + <usize>half * step, half, step, count, spare + ((<usize>TREE_FLOATS) << 2));
  addRuns(out, out, spare, count);
}

/** `segments` is a power of two above 1. */
export function treeSum(out: usize, x: usize, segments: i32, size: i32, work: usize): void {
  const step = (<usize>size) << 2;
  for (let j = 0; j < size; j += TREE_FLOATS) {
    treeRuns(floatsAt(out, j), floatsAt(x, j), segments, step, min(size - j, TREE_FLOATS), work);
  }
}
