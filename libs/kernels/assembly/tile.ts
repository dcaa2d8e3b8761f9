/**
 * The core of every contraction: panels of a and b, packed so that the inner index comes first, and a 4×8 tile of
 * sums held in registers. A sum is one chain over the inner index; a chain cut into chunks goes on from the output.
 */

/** Rows and columns of a tile. */
@inline export const TILE_ROWS: i32 = 4;
@inline export const TILE_COLUMNS: i32 = 8;
/** Bytes of a tile. */
@inline export const TILE_BYTES: usize = 128;
/** For a tile that lies over the edge of the output and is written elsewhere first. */
@inline export const SPILL_BYTES: usize = TILE_BYTES;

/** sum + a·b of four lanes: rounded once where the module is built with relaxed SIMD, else the product first. */
@inline function mulAdd(sum: v128, a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * out[4][8] = (fresh ? 0 : out) + Σ a[p][0…3] ⊗ b[p][0…7], p ascending; or the fixed binary tree over such sums of
 * `segments`, one after the other in a and b and each of `depth`, whose levels need a tile each at `levels`.
 *
 * Written for the code that V8 makes of it. A way out after each p keeps its scheduler from moving the products of
 * several p together, which takes more registers than there are. A splat's offset is an instruction of its own in
 * Node 20, but leaves the loop where all p share the offsets and the loop has no way out before the first.
 */
@inline function sumTile(
  tree: bool, a: usize, b: usize, segments: i32, depth: i32, out: usize, outStep: usize, fresh: bool, levels: usize,
): void {
  const out1 = out + outStep;
  const out2 = out1 + outStep;
  const out3 = out2 + outStep;
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  if (!fresh) {
    c00 = v128.load(out), c01 = v128.load(out, 16);
    c10 = v128.load(out1), c11 = v128.load(out1, 16);
    c20 = v128.load(out2), c21 = v128.load(out2, 16);
    c30 = v128.load(out3), c31 = v128.load(out3, 16);
  }
  for (let segment = 0;; a += (<usize>depth) << 4, b += (<usize>depth) << 5) {
    if (depth > 0) {
      let rest = depth, p = a, q = b;
      for (;; rest -= 8, p += 128, q += 256) {
        let at = p, b0 = v128.load(q), b1 = v128.load(q, 16), f = v128.load32_splat(at);
        c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 1) break;
        at = p + 16, b0 = v128.load(q, 32), b1 = v128.load(q, 48);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 2) break;
        at = p + 32, b0 = v128.load(q, 64), b1 = v128.load(q, 80);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 3) break;
        at = p + 48, b0 = v128.load(q, 96), b1 = v128.load(q, 112);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 4) break;
        at = p + 64, b0 = v128.load(q, 128), b1 = v128.load(q, 144);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 5) break;
        at = p + 80, b0 = v128.load(q, 160), b1 = v128.load(q, 176);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 6) break;
        at = p + 96, b0 = v128.load(q, 192), b1 = v128.load(q, 208);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest == 7) break;
        at = p + 112, b0 = v128.load(q, 224), b1 = v128.load(q, 240);
        f = v128.load32_splat(at), c00 = mulAdd(c00, f, b0), c01 = mulAdd(c01, f, b1);
        f = v128.load32_splat(at, 4), c10 = mulAdd(c10, f, b0), c11 = mulAdd(c11, f, b1);
        f = v128.load32_splat(at, 8), c20 = mulAdd(c20, f, b0), c21 = mulAdd(c21, f, b1);
        f = v128.load32_splat(at, 12), c30 = mulAdd(c30, f, b0), c31 = mulAdd(c31, f, b1);
        if (rest <= 8) break;
      }
    }
    if (!tree) break;
    // As a binary counter carries.
    let level = levels;
    for (let carry = segment; carry & 1; carry >>= 1, level += TILE_BYTES) {
      c00 = f32x4.add(v128.load(level), c00), c01 = f32x4.add(v128.load(level, 16), c01);
      c10 = f32x4.add(v128.load(level, 32), c10), c11 = f32x4.add(v128.load(level, 48), c11);
      c20 = f32x4.add(v128.load(level, 64), c20), c21 = f32x4.add(v128.load(level, 80), c21);
      c30 = f32x4.add(v128.load(level, 96), c30), c31 = f32x4.add(v128.load(level, 112), c31);
    }
    if (++segment >= segments) break;
    v128.store(level, c00), v128.store(level, c01, 16), v128.store(level, c10, 32), v128.store(level, c11, 48);
    v128.store(level, c20, 64), v128.store(level, c21, 80), v128.store(level, c30, 96), v128.store(level, c31, 112);
    c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  }
  v128.store(out, c00), v128.store(out, c01, 16);
  v128.store(out1, c10), v128.store(out1, c11, 16);
  v128.store(out2, c20), v128.store(out2, c21, 16);
  v128.store(out3, c30), v128.store(out3, c31, 16);
}

function tile(a: usize, b: usize, depth: i32, out: usize, outStep: usize, fresh: bool): void {
  sumTile(false, a, b, 1, depth, out, outStep, fresh, 0);
}

function tileOfTree(a: usize, b: usize, segments: i32, depth: i32, out: usize, outStep: usize, levels: usize): void {
  sumTile(true, a, b, segments, depth, out, outStep, true, levels);
}

/** Copies `rows` × `columns` floats between matrices whose rows are `toStep` and `fromStep` bytes apart. */
function copyBlock(to: usize, toStep: usize, from: usize, fromStep: usize, rows: i32, columns: i32): void {
  for (; rows > 0; rows--, to += toStep, from += fromStep) {
    for (let j = 0; j < columns; j++) store<f32>(to + ((<usize>j) << 2), load<f32>(from + ((<usize>j) << 2)));
  }
}

@inline function multiply(
  tree: bool, a: usize, b: usize, rows: i32, columns: i32, segments: i32, depth: i32, out: usize, outStep: usize,
  fresh: bool, spill: usize,
): void {
  const aPanel = <usize>(segments * depth) << 4;
  const bPanel = aPanel << 1;
  for (let j = 0; j < columns; j += TILE_COLUMNS, b += bPanel) {
    const width = min(columns - j, TILE_COLUMNS);
    let panel = a;
    for (let i = 0; i < rows; i += TILE_ROWS, panel += aPanel) {
      const height = min(rows - i, TILE_ROWS);
      const whole = height == TILE_ROWS && width == TILE_COLUMNS;
      const at = out + <usize>i * outStep + ((<usize>j) << 2);
      const to = whole ? at : spill;
      const toStep = whole ? outStep : 32;
      if (tree) {
        tileOfTree(panel, b, segments, depth, to, toStep, spill + SPILL_BYTES);
      } else {
        if (!whole && !fresh) copyBlock(spill, 32, at, outStep, height, width);
        tile(panel, b, depth, to, toStep, fresh);
      }
      if (!whole) copyBlock(at, outStep, spill, 32, height, width);
    }
  }
}

/**
 * out[rows][columns] = (fresh ? 0 : out) + A·B, where A is packed as panels [rows/4][depth][4] and B as panels
 * [columns/8][depth][8], both padded with anything.
 */
export function multiplyPanels(
  a: usize, b: usize, rows: i32, columns: i32, depth: i32, out: usize, outStep: usize, fresh: bool, spill: usize,
): void {
  multiply(false, a, b, rows, columns, 1, depth, out, outStep, fresh, spill);
}

/**
 * out[rows][columns] = the fixed binary tree over the products of `segments`, one after the other in panels as above.
 * A tile for each level of the tree lies behind the one of `spill`.
 */
export function multiplySegments(
  a: usize, b: usize, rows: i32, columns: i32, segments: i32, depth: i32, out: usize, outStep: usize, spill: usize,
): void {
  multiply(true, a, b, rows, columns, segments, depth, out, outStep, true, spill);
}

/** to[p][0…3] = row0[p] … row3[p] for p < count; `to` moves `toStep` bytes with each p. */
export function interleave(
  to: usize, toStep: usize, row0: usize, row1: usize, row2: usize, row3: usize, count: i32,
): void {
  const step2 = toStep << 1;
  const step3 = step2 + toStep;
  for (; count >= 4; count -= 4) {
    const r0 = v128.load(row0), r1 = v128.load(row1), r2 = v128.load(row2), r3 = v128.load(row3);
    const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
    v128.store(to + toStep, v128.shuffle<f32>(a, b, 2, 3, 6, 7));
    v128.store(to + step2, v128.shuffle<f32>(c, d, 0, 1, 4, 5));
    v128.store(to + step3, v128.shuffle<f32>(c, d, 2, 3, 6, 7));
    row0 += 16, row1 += 16, row2 += 16, row3 += 16;
    to += toStep << 2;
  }
  for (; count > 0; count--, to += toStep) {
    store<f32>(to, load<f32>(row0)), store<f32>(to, load<f32>(row1), 4);
    store<f32>(to, load<f32>(row2), 8), store<f32>(to, load<f32>(row3), 12);
    row0 += 4, row1 += 4, row2 += 4, row3 += 4;
  }
}

/**
 * Packs a matrix stored [count][depth] into panels [count/lanes][depth][lanes], lanes 4 or 8. A row stays within
 * `from + fromStep·count`: rows past the last repeat it. Panels are `panelStep` bytes apart.
 */
export function packRows(
  to: usize, lanes: i32, panelStep: usize, from: usize, fromStep: usize, depth: i32, count: i32,
): void {
  const last = from + <usize>(count - 1) * fromStep;
  for (let i = 0; i < count; i += lanes, to += panelStep) {
    for (let lane = 0; lane < lanes; lane += 4) {
      const row0 = min(from + <usize>(i + lane) * fromStep, last);
      const row1 = min(row0 + fromStep, last);
      const row2 = min(row1 + fromStep, last);
      const row3 = min(row2 + fromStep, last);
      interleave(to + ((<usize>lane) << 2), (<usize>lanes) << 2, row0, row1, row2, row3, depth);
    }
  }
}

/**
 * Packs a matrix stored [depth][count] into panels [count/lanes][depth][lanes], lanes 4 or 8. Missing columns are
 * left as they were. Panels are `panelStep` bytes apart.
 */
export function packColumns(
  to: usize, lanes: i32, panelStep: usize, from: usize, fromStep: usize, depth: i32, count: i32,
): void {
  const laneBytes = (<usize>lanes) << 2;
  for (let j = 0; j < count; j += lanes, to += panelStep, from += laneBytes) {
    const width = count - j;
    if (width < lanes) {
      copyBlock(to, laneBytes, from, fromStep, depth, width);
    } else if (lanes == 8) {
      for (let p = 0, t = to, f = from; p < depth; p++, t += 32, f += fromStep) {
        v128.store(t, v128.load(f)), v128.store(t, v128.load(f, 16), 16);
      }
    } else {
      for (let p = 0, t = to, f = from; p < depth; p++, t += 16, f += fromStep) v128.store(t, v128.load(f));
    }
  }
}
