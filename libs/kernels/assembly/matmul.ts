import { multiplyPanels, packColumns, packRows, SPILL_BYTES } from './tile';

/** The block of the output and the depth that are packed at a time, so small that they stay in the caches. */
@inline const ROWS: i32 = 64;
@inline const COLUMNS: i32 = 256;
@inline const DEPTH: i32 = 256;

@unmanaged class Matmul {
  batch: i32;
  m: i32;
  n: i32;
  k: i32;
  transposeA: i32;
  transposeB: i32;
  batchA: i32;
  batchB: i32;
}

function multiply(out: usize, a: usize, b: usize, shape: Matmul, work: usize): void {
  const m = shape.m, n = shape.n, k = shape.k;
  const aStep = (<usize>(shape.transposeA ? m : k)) << 2;
  const bStep = (<usize>(shape.transposeB ? k : n)) << 2;
  const outStep = (<usize>n) << 2;
  const aPack = work + SPILL_BYTES;
  const bPack = aPack + ((<usize>(ROWS * DEPTH)) << 2);
  for (let j = 0; j < n; j += COLUMNS) {
    const columns = min(n - j, COLUMNS);
    let p = 0;
    do {
      const depth = min(k - p, DEPTH);
      if (shape.transposeB) {
        packRows(bPack, 8, (<usize>depth) << 5, b + <usize>j * bStep + ((<usize>p) << 2), bStep, depth, columns);
      } else {
        packColumns(bPack, 8, (<usize>depth) << 5, b + <usize>p * bStep + ((<usize>j) << 2), bStep, depth, columns);
      }
      for (let i = 0; i < m; i += ROWS) {
        const rows = min(m - i, ROWS);
        if (shape.transposeA) {
          packColumns(aPack, 4, (<usize>depth) << 4, a + <usize>p * aStep + ((<usize>i) << 2), aStep, depth, rows);
        } else {
          packRows(aPack, 4, (<usize>depth) << 4, a + <usize>i * aStep + ((<usize>p) << 2), aStep, depth, rows);
        }
        const to = out + <usize>i * outStep + ((<usize>j) << 2);
        multiplyPanels(aPack, bPack, rows, columns, depth, to, outStep, p == 0, work);
      }
      p += DEPTH;
    } while (p < k);
  }
}

export function matmul(out: usize, a: usize, b: usize, shape: Matmul, work: usize): void {
  const aSize = shape.batchA ? (<usize>shape.m * shape.k) << 2 : 0;
  const bSize = shape.batchB ? (<usize>shape.k * shape.n) << 2 : 0;
  const outSize = (<usize>shape.m * shape.n) << 2;
  for (let s = 0; s < shape.batch; s++, out += outSize, a += aSize, b += bSize) multiply(out, a, b, shape, work);
}
