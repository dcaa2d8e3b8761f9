/**
 * The transforms of Winograd's F(2×2, 3×3) for four channels, or for `lanes` channels if fewer are left. Each is applied to
 * columns, then to rows; `ConvolutionAlgorithm` states the orders.
 */

@inline function loadLanes(lanes: i32, from: usize): v128 {
  return lanes == 4 ? v128.load(from) : loadPart(lanes, from);
}

/** The first one, two or three lanes, then zeros. */
function loadPart(lanes: i32, from: usize): v128 {
  let part = v128.load32_zero(from);
  if (lanes > 1) part = f32x4.replace_lane(part, 1, load<f32>(from, 4));
  if (lanes > 2) part = f32x4.replace_lane(part, 2, load<f32>(from, 8));
  return part;
}

@inline function storeLanes(lanes: i32, to: usize, value: v128): void {
  if (lanes == 4) v128.store(to, value);
  else storePart(lanes, to, value);
}

function storePart(lanes: i32, to: usize, value: v128): void {
  store<f32>(to, f32x4.extract_lane(value, 0));
  if (lanes > 1) store<f32>(to, f32x4.extract_lane(value, 1), 4);
  if (lanes > 2) store<f32>(to, f32x4.extract_lane(value, 2), 8);
}

/** The pixel `offset` bytes after the address that lies at `address`. */
@inline function pixel(lanes: i32, address: usize, offset: usize): v128 {
  return loadLanes(lanes, <usize>load<u32>(address) + offset);
}

@inline function patchRow(to: usize, step: usize, d0: v128, d1: v128, d2: v128, d3: v128): void {
  v128.store(to, f32x4.sub(d0, d2));
  v128.store(to + step, f32x4.add(d1, d2));
  v128.store(to + 2 * step, f32x4.sub(d2, d1));
  v128.store(to + 3 * step, f32x4.sub(d1, d3));
}

/**
 * Transforms the patch of the pixels `offset` bytes after 16 addresses. Positions are written whole, `step` bytes apart. The
 * middle rows, which all results use, come first; in this order the registers suffice.
 */
@inline export function patchVector(lanes: i32, to: usize, step: usize, addresses: usize, offset: usize): void {
  const a0 = pixel(lanes, addresses + 16, offset), a1 = pixel(lanes, addresses + 20, offset);
  const a2 = pixel(lanes, addresses + 24, offset), a3 = pixel(lanes, addresses + 28, offset);
  const b0 = pixel(lanes, addresses + 32, offset), b1 = pixel(lanes, addresses + 36, offset);
  const b2 = pixel(lanes, addresses + 40, offset), b3 = pixel(lanes, addresses + 44, offset);
  patchRow(to + 4 * step, step, f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3));
  patchRow(to + 8 * step, step, f32x4.sub(b0, a0), f32x4.sub(b1, a1), f32x4.sub(b2, a2), f32x4.sub(b3, a3));
  const c0 = pixel(lanes, addresses, offset), c1 = pixel(lanes, addresses + 4, offset);
  const c2 = pixel(lanes, addresses + 8, offset), c3 = pixel(lanes, addresses + 12, offset);
  patchRow(to, step, f32x4.sub(c0, b0), f32x4.sub(c1, b1), f32x4.sub(c2, b2), f32x4.sub(c3, b3));
  const d0 = pixel(lanes, addresses + 48, offset), d1 = pixel(lanes, addresses + 52, offset);
  const d2 = pixel(lanes, addresses + 56, offset), d3 = pixel(lanes, addresses + 60, offset);
  patchRow(to + 12 * step, step, f32x4.sub(a0, d0), f32x4.sub(a1, d1), f32x4.sub(a2, d2), f32x4.sub(a3, d3));
}

@inline function middle(ends: v128, between: v128): v128 {
  return f32x4.mul(f32x4.add(ends, between), f32x4.splat(0.5));
}

@inline function middleLess(ends: v128, between: v128): v128 {
  return f32x4.mul(f32x4.sub(ends, between), f32x4.splat(0.5));
}

@inline function tapsRow(reverse: bool, to: usize, step: usize, g0: v128, g1: v128, g2: v128): void {
  const ends = f32x4.add(g0, g2);
  v128.store(to, reverse ? g2 : g0);
  v128.store(to + step, middle(ends, g1));
  v128.store(to + 2 * step, middleLess(ends, g1));
  v128.store(to + 3 * step, reverse ? g0 : g2);
}

/**
 * Transforms 3×3 taps that are `tapBytes` apart. Positions are written whole, `step` bytes apart. Taps that are reversed on
 * both axes give the same numbers with the first and the last position exchanged on each axis.
 */
@inline export function tapsVector(
  reverse: bool, lanes: i32, to: usize, step: usize, from: usize, tapBytes: usize,
): void {
  const row1 = from + 3 * tapBytes, row2 = from + 6 * tapBytes;
  const a0 = loadLanes(lanes, from), c0 = loadLanes(lanes, row2);
  const a1 = loadLanes(lanes, from + tapBytes), c1 = loadLanes(lanes, row2 + tapBytes);
  const a2 = loadLanes(lanes, from + 2 * tapBytes), c2 = loadLanes(lanes, row2 + 2 * tapBytes);
  tapsRow(reverse, reverse ? to + 12 * step : to, step, a0, a1, a2);
  tapsRow(reverse, reverse ? to : to + 12 * step, step, c0, c1, c2);
  const ends0 = f32x4.add(a0, c0), ends1 = f32x4.add(a1, c1), ends2 = f32x4.add(a2, c2);
  const b0 = loadLanes(lanes, row1), b1 = loadLanes(lanes, row1 + tapBytes);
  const b2 = loadLanes(lanes, row1 + 2 * tapBytes);
  tapsRow(reverse, to + 4 * step, step, middle(ends0, b0), middle(ends1, b1), middle(ends2, b2));
  tapsRow(reverse, to + 8 * step, step, middleLess(ends0, b0), middleLess(ends1, b1), middleLess(ends2, b2));
}

@inline function firstSum(m0: v128, m1: v128, m2: v128): v128 {
  return f32x4.add(f32x4.add(m0, m1), m2);
}

@inline function secondSum(m1: v128, m2: v128, m3: v128): v128 {
  return f32x4.sub(f32x4.sub(m1, m2), m3);
}

/**
 * The four sums of the products at 16 positions, which are read whole, `step` bytes apart. `right` and `below` are the
 * distances to the neighbours of the pixel `to`, 0 for a neighbour outside the image.
 */
@inline export function sumsVector(
  lanes: i32, to: usize, right: usize, below: usize, from: usize, step: usize,
): void {
  const b = from + 4 * step, c = from + 8 * step, d = from + 12 * step;
  let m1 = v128.load(b), m2 = v128.load(c);
  const p0 = firstSum(v128.load(from), m1, m2), q0 = secondSum(m1, m2, v128.load(d));
  m1 = v128.load(b + step), m2 = v128.load(c + step);
  const p1 = firstSum(v128.load(from + step), m1, m2), q1 = secondSum(m1, m2, v128.load(d + step));
  m1 = v128.load(b + 2 * step), m2 = v128.load(c + 2 * step);
  const p2 = firstSum(v128.load(from + 2 * step), m1, m2), q2 = secondSum(m1, m2, v128.load(d + 2 * step));
  m1 = v128.load(b + 3 * step), m2 = v128.load(c + 3 * step);
  const p3 = firstSum(v128.load(from + 3 * step), m1, m2), q3 = secondSum(m1, m2, v128.load(d + 3 * step));
  storeLanes(lanes, to, firstSum(p0, p1, p2));
  if (right != 0) storeLanes(lanes, to + right, secondSum(p1, p2, p3));
  if (below == 0) return;
  storeLanes(lanes, to + below, firstSum(q0, q1, q2));
  if (right != 0) storeLanes(lanes, to + below + right, secondSum(q1, q2, q3));
}

@inline function tileRow(to: usize, step: usize, g0: v128, g1: v128): void {
  v128.store(to, g0);
  v128.store(to + step, f32x4.add(g0, g1));
  v128.store(to + 2 * step, f32x4.sub(g0, g1));
  v128.store(to + 3 * step, f32x4.neg(g1));
}

/** Transforms the tile of the elements `offset` bytes after 4 addresses. Positions are written whole, `step` bytes apart. */
@inline export function tileVector(lanes: i32, to: usize, step: usize, addresses: usize, offset: usize): void {
  const a0 = pixel(lanes, addresses, offset), a1 = pixel(lanes, addresses + 4, offset);
  const b0 = pixel(lanes, addresses + 8, offset), b1 = pixel(lanes, addresses + 12, offset);
  tileRow(to, step, a0, a1);
  tileRow(to + 4 * step, step, f32x4.add(a0, b0), f32x4.add(a1, b1));
  tileRow(to + 8 * step, step, f32x4.sub(a0, b0), f32x4.sub(a1, b1));
  tileRow(to + 12 * step, step, f32x4.neg(b0), f32x4.neg(b1));
}

/** How taps are written: `bytes` apart, and each added to its `count` earlier sums, which are levels of 9 taps. */
@unmanaged export class Taps {
  bytes: usize;
  earlierBytes: usize;
  count: i32;
}

@inline function writeTap(lanes: i32, to: usize, earlier: usize, taps: Taps, tap: v128): void {
  for (let i = taps.count; i > 0; i--, earlier += 9 * taps.earlierBytes) tap = f32x4.add(v128.load(earlier), tap);
  storeLanes(lanes, to, tap);
}

@inline function tapsOfRow(
  lanes: i32, to: usize, earlier: usize, taps: Taps, s0: v128, s1: v128, s2: v128, s3: v128,
): void {
  const half = middle(s1, s2);
  writeTap(lanes, to, earlier, taps, f32x4.add(s0, half));
  writeTap(lanes, to + taps.bytes, earlier + taps.earlierBytes, taps, middleLess(s1, s2));
  writeTap(lanes, to + 2 * taps.bytes, earlier + 2 * taps.earlierBytes, taps, f32x4.add(half, s3));
}

/** Computes the nine taps from the sums at 16 positions, which are read whole, `step` bytes apart. */
@inline export function gradVector(
  lanes: i32, to: usize, from: usize, step: usize, earlier: usize, taps: Taps,
): void {
  const b = from + 4 * step, c = from + 8 * step, d = from + 12 * step;
  const b0 = v128.load(b), b1 = v128.load(b + step), b2 = v128.load(b + 2 * step), b3 = v128.load(b + 3 * step);
  const c0 = v128.load(c), c1 = v128.load(c + step), c2 = v128.load(c + 2 * step), c3 = v128.load(c + 3 * step);
  const h0 = middle(b0, c0), h1 = middle(b1, c1), h2 = middle(b2, c2), h3 = middle(b3, c3);
  const toRow = taps.bytes * 3, earlierRow = taps.earlierBytes * 3;
  tapsOfRow(
    lanes, to + toRow, earlier + earlierRow, taps,
    middleLess(b0, c0), middleLess(b1, c1), middleLess(b2, c2), middleLess(b3, c3),
  );
  tapsOfRow(
    lanes, to, earlier, taps,
    f32x4.add(v128.load(from), h0), f32x4.add(v128.load(from + step), h1),
    f32x4.add(v128.load(from + 2 * step), h2), f32x4.add(v128.load(from + 3 * step), h3),
  );
  tapsOfRow(
    lanes, to + 2 * toRow, earlier + 2 * earlierRow, taps,
    f32x4.add(h0, v128.load(d)), f32x4.add(h1, v128.load(d + step)),
    f32x4.add(h2, v128.load(d + 2 * step)), f32x4.add(h3, v128.load(d + 3 * step)),
  );
}
