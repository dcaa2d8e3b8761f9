/**
 * Sums over samples: out[m][n] = the fixed binary tree over segments of Σ a[row][m]·b[row][n]. a is a matrix, or the patches
 * whose products with dy are a convolution's kernel gradient. A block of the output is summed segment by segment and combined
 * along the tree while it is in cache.
 */
import { Conv, packPixels } from './patches';
import { multiplyPanels, multiplySegments, packColumns, SPILL_BYTES, TILE_BYTES } from './tile';

@inline const ROWS: i32 = 64;
@inline const COLUMNS: i32 = 64;
@inline const DEPTH: i32 = 256;
/** The most rows of segments that are packed together, and the most floats of a and of b. */
@inline const TOGETHER: i32 = 1024;
@inline const A_FLOATS: i32 = 1 << 14;
@inline const B_FLOATS: i32 = 1 << 16;
/** The number of levels of a tree over segments. */
@inline const LEVELS_BYTES: usize = 10 * TILE_BYTES;
@inline const BLOCK_STEP: usize = 64 * 4;
@inline const BLOCK_BYTES: usize = 64 * BLOCK_STEP;
@inline const JOB_BYTES: usize = 64;

/** A block of the output, `rows` × `columns` at (i, j), and its operands. */
@unmanaged class Job {
  a: usize;
  b: usize;
  /** Whether the rows of a are the patches of `conv`, else those of a matrix. */
  patches: bool;
  conv: Conv;
  /** The rows of a and b in a segment. */
  depth: i32;
  m: i32;
  n: i32;
  i: i32;
  j: i32;
  rows: i32;
  columns: i32;
  aPack: usize;
  bPack: usize;
  spill: usize;
}

/** Packs rows `row` … row + depth of the block's columns of a. */
function packA(job: Job, row: i32, depth: i32): void {
  if (job.patches) {
    packPixels(job.aPack, job.a, job.conv, row, depth, job.i, job.rows);
  } else {
    const step = (<usize>job.m) << 2;
    const from = job.a + <usize>row * step + ((<usize>job.i) << 2);
    packColumns(job.aPack, 4, (<usize>depth) << 4, from, step, depth, job.rows);
  }
}

/** The same for b. */
function packB(job: Job, row: i32, depth: i32): void {
  const step = (<usize>job.n) << 2;
  const from = job.b + <usize>row * step + ((<usize>job.j) << 2);
  packColumns(job.bPack, 8, (<usize>depth) << 5, from, step, depth, job.columns);
}

/** out = the sum over one segment's rows. */
function sumSegment(out: usize, outStep: usize, job: Job, segment: i32): void {
  let p = 0;
  do {
    const depth = min(job.depth - p, DEPTH);
    const row = segment * job.depth + p;
    packA(job, row, depth);
    packB(job, row, depth);
    multiplyPanels(job.aPack, job.bPack, job.rows, job.columns, depth, out, outStep, p == 0, job.spill);
    p += DEPTH;
  } while (p < job.depth);
}

/** out += x, for a block. */
function addBlock(out: usize, outStep: usize, x: usize, rows: i32, columns: i32): void {
  for (; rows > 0; rows--, out += outStep, x += BLOCK_STEP) {
    let j = 0, to = out, from = x;
    for (; j + 4 <= columns; j += 4, to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    for (; j < columns; j++, to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
  }
}

/** out = the tree sum of `count` segments from `first`. `spare` has room for a block for each level of the tree. */
function sumTree(out: usize, outStep: usize, job: Job, first: i32, count: i32, spare: usize): void {
  if (count == 1) {
    sumSegment(out, outStep, job, first);
    return;
  }
  const half = count >> 1;
  sumTree(out, outStep, job, first, half, spare);
  sumTree(spare, BLOCK_STEP, job, first + half, half, spare + BLOCK_BYTES);
  addBlock(out, outStep, spare, job.rows, job.columns);
}

/** The tree sum of segments of few rows, which are packed together. Each tile goes through the tree in registers. */
function sumTogether(out: usize, job: Job, segments: i32): void {
  const m = job.m, n = job.n;
  const outStep = (<usize>n) << 2;
  const depth = segments * job.depth;
  const blockRows = A_FLOATS / depth & ~3;
  const blockColumns = B_FLOATS / depth & ~7;
  for (let j = 0; j < n; j += blockColumns) {
    job.j = j, job.columns = min(n - j, blockColumns);
    packB(job, 0, depth);
    for (let i = 0; i < m; i += blockRows) {
      job.i = i, job.rows = min(m - i, blockRows);
      packA(job, 0, depth);
      const to = out + <usize>i * outStep + ((<usize>j) << 2);
      multiplySegments(job.aPack, job.bPack, job.rows, job.columns, segments, job.depth, to, outStep, job.spill);
    }
  }
}

function sumBlocks(out: usize, job: Job, segments: i32, stack: bool, spare: usize): void {
  const m = job.m, n = job.n;
  const outStep = (<usize>n) << 2;
  const depth = segments * job.depth;
  if (!stack && depth > 0 && depth <= TOGETHER) {
    sumTogether(out, job, segments);
    return;
  }
  for (let j = 0; j < n; j += COLUMNS) {
    job.j = j, job.columns = min(n - j, COLUMNS);
    for (let i = 0; i < m; i += ROWS) {
      job.i = i, job.rows = min(m - i, ROWS);
      let to = out + <usize>i * outStep + ((<usize>j) << 2);
      if (stack) {
        for (let s = 0; s < segments; s++, to += <usize>m * outStep) sumSegment(to, outStep, job, s);
      } else {
        sumTree(to, outStep, job, 0, segments, spare);
      }
    }
  }
}

/** Lays out the job and its workspace at `work`. Returns the start of the memory for the tree. */
@inline function prepare(job: Job, a: usize, b: usize, depth: i32, m: i32, n: i32): usize {
  job.a = a, job.b = b;
  job.depth = depth, job.m = m, job.n = n;
  job.spill = changetype<usize>(job) + JOB_BYTES;
  job.aPack = job.spill + SPILL_BYTES + LEVELS_BYTES;
  job.bPack = job.aPack + ((<usize>A_FLOATS) << 2);
  return job.bPack + ((<usize>B_FLOATS) << 2);
}

export function segmentedContraction(
  out: usize, a: usize, b: usize, segments: i32, rows: i32, m: i32, n: i32, work: usize,
): void {
  const job = changetype<Job>(work);
  const spare = prepare(job, a, b, rows, m, n);
  job.patches = false;
  sumBlocks(out, job, segments, false, spare);
}

/** The tree sum of the segments, or with `stack` the segments' sums one after the other. */
export function conv2dKernelGrad(
  out: usize, x: usize, dy: usize, conv: Conv, segments: i32, stack: bool, work: usize,
): void {
  const job = changetype<Job>(work);
  const depth = conv.batch / segments * conv.outHeight * conv.outWidth;
  const m = conv.kernelHeight * conv.kernelWidth * conv.inChannels;
  const spare = prepare(job, x, dy, depth, m, conv.outChannels);
  job.patches = true, job.conv = conv;
  sumBlocks(out, job, segments, stack, spare);
}
