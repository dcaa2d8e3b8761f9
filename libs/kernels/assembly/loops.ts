/** Loops of one operation over arrays. Callers pass a constant `op`, so that each operation is compiled to its own loop. */
import { applyBinary, applyComparison, applyUnary } from './operations';

/** The last elements use the same vector code, one lane at a time. */
@inline export function unaryLoop(op: i32, out: usize, x: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, x += 16) v128.store(out, applyUnary(op, v128.load(x)));
  for (; count > 0; count--, out += 4, x += 4) v128.store32_lane(out, applyUnary(op, v128.load32_splat(x)), 0);
}

@inline export function binaryLoop(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, a += 16, b += 16) {
    v128.store(out, applyBinary(op, v128.load(a), v128.load(b)));
  }
  for (; count > 0; count--, out += 4, a += 4, b += 4) {
    v128.store32_lane(out, applyBinary(op, v128.load32_splat(a), v128.load32_splat(b)), 0);
  }
}

@inline export function comparisonLoop(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 16; count -= 16, out += 16, a += 64, b += 64) {
    const m0 = applyComparison(op, v128.load(a), v128.load(b));
    const m1 = applyComparison(op, v128.load(a, 16), v128.load(b, 16));
    const m2 = applyComparison(op, v128.load(a, 32), v128.load(b, 32));
    const m3 = applyComparison(op, v128.load(a, 48), v128.load(b, 48));
    const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(m0, m1), i16x8.narrow_i32x4_s(m2, m3));
    v128.store(out, v128.and(bytes, i8x16.splat(1)));
  }
  for (; count > 0; count--, out++, a += 4, b += 4) {
    const mask = applyComparison(op, v128.load32_splat(a), v128.load32_splat(b));
    store<u8>(out, <u8>(i32x4.extract_lane(mask, 0) & 1));
  }
}
