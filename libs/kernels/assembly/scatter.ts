/**
 * The sums of the updates of each row, in the order of a strided sum. A block of at most SUM_BLOCK updates is summed in `out`,
 * in the row's place, and moves to the workspace when the next update comes, since most rows have few updates.
 */
import { SUM_BLOCK } from './reduce';
import { copyRun, fillRun, floatsAt } from './runs';
import { WORK_BYTES } from './workspace';

/** A bit of a row's state, beside the number of updates in its block: the row has a record. */
@inline const IS_LONG: i32 = 2 * SUM_BLOCK;
/** The most rows whose states are kept at the same time. */
@inline const MAX_ROWS: i32 = 1 << 19;
/** The number of lists of records. The last bits of a row's number choose its list. */
@inline const NUM_LISTS: i32 = 1024;
/** The most columns that are added in one sweep over the updates. There are fewer if the workspace has no room for the sums. */
@inline const WIDE: i32 = 128;
@inline const NARROW: i32 = 16;

/*
 * A row with more than one block has a record: address of the next record in its list, row, number of blocks, address of
 * the first level. A level has the address of the next level, then the sums of 2ˡ blocks.
 */
@inline const RECORD_BYTES: usize = 16;
@inline const LEVELS: usize = 12;

/** sums[j] = x[j] + sums[j] */
@inline function addRun(sums: usize, x: usize, width: i32): void {
  let j = 0;
  for (; j + 16 <= width; j += 16) {
    const to = floatsAt(sums, j), from = floatsAt(x, j);
    v128.store(to, f32x4.add(v128.load(from), v128.load(to)));
    v128.store(to, f32x4.add(v128.load(from, 16), v128.load(to, 16)), 16);
    v128.store(to, f32x4.add(v128.load(from, 32), v128.load(to, 32)), 32);
    v128.store(to, f32x4.add(v128.load(from, 48), v128.load(to, 48)), 48);
  }
  for (; j + 4 <= width; j += 4) {
    v128.store(floatsAt(sums, j), f32x4.add(v128.load(floatsAt(x, j)), v128.load(floatsAt(sums, j))));
  }
  for (; j < width; j++) store<f32>(floatsAt(sums, j), load<f32>(floatsAt(x, j)) + load<f32>(floatsAt(sums, j)));
}

@inline function listOf(lists: usize, row: i32): usize {
  return lists + ((<usize>(row & (NUM_LISTS - 1))) << 2);
}

/** Adds the row's block, which lies at `sums`, to its levels and begins another. Returns the end of the memory in use, or 0. */
@inline function endBlock(sums: usize, row: i32, isLong: bool, lists: usize, top: usize, end: usize, width: i32): usize {
  const list = listOf(lists, row);
  const bytes = (<usize>width) << 2;
  let record = load<u32>(list) as usize;
  if (isLong) {
    while (load<i32>(record, 4) != row) record = load<u32>(record) as usize;
  } else {
    if (top + RECORD_BYTES > end) return 0;
    store<u32>(top, record as u32), store<i32>(top, row, 4), store<i32>(top, 0, 8), store<u32>(top, 0, LEVELS);
    record = top;
    store<u32>(list, record as u32);
    top += RECORD_BYTES;
  }
  let numBlocks = load<i32>(record, 8) + 1;
  store<i32>(record, numBlocks, 8);
  let place = record + LEVELS;
  for (; (numBlocks & 1) == 0; numBlocks >>= 1) {
    place = load<u32>(place) as usize;
    addRun(sums, place + 4, width);
  }
  let level = load<u32>(place) as usize;
  if (level == 0) {
    if (top + 4 + bytes > end) return 0;
    level = top;
    store<u32>(place, level as u32), store<u32>(level, 0);
    top += 4 + bytes;
  }
  copyRun<f32>(level + 4, sums, width);
  fillRun<f32>(sums, 0, width);
  return top;
}

/** Adds the levels to the unfinished blocks in `out`. */
function addLevels(out: usize, step: usize, lists: usize, width: i32): void {
  for (let i = 0; i < NUM_LISTS; i++) {
    for (let record = load<u32>(listOf(lists, i)) as usize; record != 0; record = load<u32>(record) as usize) {
      const sums = out + <usize>load<i32>(record, 4) * step;
      let level = load<u32>(record, LEVELS) as usize;
      for (let n = load<i32>(record, 8); n > 0; n >>= 1, level = load<u32>(level) as usize) {
        if (n & 1) addRun(sums, level + 4, width);
      }
    }
  }
}

/** Computes rows `first` … `first + rows − 1` of `width` columns. Returns whether the workspace had room. */
@inline function addColumns(
  one: bool, out: usize, updates: usize, indices: usize, count: i32, first: u32, rows: i32, step: usize, width: i32,
  work: usize,
): bool {
  const end = work + WORK_BYTES;
  const lists = (work + <usize>rows + 15) & ~(<usize>15);
  memory.fill(work, 0, rows);
  let top: usize = 0;
  const last = indices + ((<usize>count) << 2), apart = updates - indices;
  for (; indices < last; indices += 4, updates += step) {
    const row = load<u32>(indices) - first;
    if (row >= <u32>rows) continue;
    const sums = one ? floatsAt(out, row) : out + <usize>row * step;
    const state = work + <usize>row;
    let n: i32 = load<u8>(state);
    if ((n & SUM_BLOCK) != 0) {
      if (top == 0) {
        top = lists + ((<usize>NUM_LISTS) << 2);
        memory.fill(lists, 0, top - lists);
      }
      top = endBlock(sums, row, n > SUM_BLOCK, lists, top, end, one ? 1 : width);
      if (top == 0) return false;
      n = IS_LONG;
    }
    store<u8>(state, n + 1);
    if (one) store<f32>(sums, load<f32>(sums) + load<f32>(apart + indices));
    else addRun(sums, updates, width);
  }
  if (top != 0) addLevels(out, step, lists, width);
  return true;
}

function addTile(
  out: usize, updates: usize, indices: usize, count: i32, first: u32, rows: i32, step: usize, width: i32, work: usize,
): bool {
  return width == 1
    ? addColumns(true, out, updates, indices, count, first, rows, step, width, work)
    : addColumns(false, out, updates, indices, count, first, rows, step, width, work);
}

@inline function clearColumns(out: usize, rows: i32, step: usize, width: i32): void {
  for (; rows > 0; rows--, out += step) fillRun<f32>(out, 0, width);
}

/** Returns whether the workspace had room for the sums of all blocks; if not, `out` is incomplete. */
export function scatterAdd(
  out: usize, updates: usize, indices: usize, count: i32, rows: i32, width: i32, work: usize,
): bool {
  const step = (<usize>width) << 2;
  memory.fill(out, 0, <usize>rows * step);
  for (let first = 0; first < rows; first += MAX_ROWS) {
    const some = min(rows - first, MAX_ROWS);
    const part = out + <usize>first * step;
    let most = WIDE;
    for (let j = 0; j < width; ) {
      const columns = min(most, width - j);
      const sums = floatsAt(part, j);
      if (addTile(sums, floatsAt(updates, j), indices, count, first, some, step, columns, work)) {
        j += columns;
      } else {
        if (columns <= NARROW) return false;
        clearColumns(sums, some, step, columns);
        most = NARROW;
      }
    }
  }
  return true;
}
