import { binaryRun, comparisonRun, unaryRun } from './dispatch';
import { BLOCK, BLOCK_BYTES, floatsAt, operandBlock } from './runs';

export function unary(op: i32, out: usize, x: usize, count: i32): void {
  unaryRun(op, out, x, count);
}

export function binary(
  op: i32, out: usize, count: i32, a: usize, aRepeat: u32, aPeriod: u32, b: usize, bRepeat: u32, bPeriod: u32, work: usize,
): void {
  for (let i = 0; i < count; i += BLOCK) {
    const run = min(count - i, BLOCK);
    const x = operandBlock<f32>(a, aRepeat, aPeriod, i, run, work);
    const y = operandBlock<f32>(b, bRepeat, bPeriod, i, run, work + BLOCK_BYTES);
    binaryRun(op, floatsAt(out, i), x, y, run);
  }
}

export function compare(
  op: i32, out: usize, count: i32, a: usize, aRepeat: u32, aPeriod: u32, b: usize, bRepeat: u32, bPeriod: u32, work: usize,
): void {
  for (let i = 0; i < count; i += BLOCK) {
    const run = min(count - i, BLOCK);
    const x = operandBlock<f32>(a, aRepeat, aPeriod, i, run, work);
    const y = operandBlock<f32>(b, bRepeat, bPeriod, i, run, work + BLOCK_BYTES);
    comparisonRun(op, out + <usize>i, x, y, run);
  }
}

function selectLoop(out: usize, condition: usize, a: usize, b: usize, count: i32): void {
  const zero = i32x4.splat(0);
  for (; count >= 4; count -= 4, out += 16, condition += 4, a += 16, b += 16) {
    const bytes = v128.load32_zero(condition);
    const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    v128.store(out, v128.bitselect(v128.load(b), v128.load(a), i32x4.eq(words, zero)));
  }
  for (; count > 0; count--, out += 4, condition++, a += 4, b += 4) {
    store<i32>(out, load<i32>(load<u8>(condition) != 0 ? a : b));
  }
}

/** For any elements of four bytes. */
export function select(
  out: usize, count: i32, condition: usize, repeat: u32, period: u32,
  a: usize, aRepeat: u32, aPeriod: u32, b: usize, bRepeat: u32, bPeriod: u32, work: usize,
): void {
  for (let i = 0; i < count; i += BLOCK) {
    const run = min(count - i, BLOCK);
    const which = operandBlock<u8>(condition, repeat, period, i, run, work);
    const x = operandBlock<f32>(a, aRepeat, aPeriod, i, run, work + BLOCK_BYTES);
    const y = operandBlock<f32>(b, bRepeat, bPeriod, i, run, work + 2 * BLOCK_BYTES);
    selectLoop(floatsAt(out, i), which, x, y, run);
  }
}
