import { cos, erf, exp, log, sigmoid, sin, tanh } from './math';
import { BLOCK, BLOCK_BYTES, floatsAt, operandBlock } from './runs';

// The codes of `src/wasm/codes.ts`.
@inline const NEG: i32 = 0;
@inline const ABS: i32 = 1;
@inline const SIGN: i32 = 2;
@inline const FLOOR: i32 = 3;
@inline const CEIL: i32 = 4;
@inline const ROUND: i32 = 5;
@inline const SQRT: i32 = 6;
@inline const RECIPROCAL: i32 = 7;
@inline const SQUARE: i32 = 8;
@inline const EXP: i32 = 9;
@inline const LOG: i32 = 10;
@inline const SIN: i32 = 11;
@inline const COS: i32 = 12;
@inline const TANH: i32 = 13;
@inline const SIGMOID: i32 = 14;
@inline const ERF: i32 = 15;
@inline const RELU: i32 = 16;
@inline const FLUSH: i32 = 17;

@inline const ADD: i32 = 0;
@inline const SUB: i32 = 1;
@inline const MUL: i32 = 2;
@inline const DIV: i32 = 3;
@inline const MAX: i32 = 4;
@inline const MIN: i32 = 5;
@inline const RELU_GRAD: i32 = 6;

@inline const EQ: i32 = 0;
@inline const NE: i32 = 1;
@inline const LT: i32 = 2;
@inline const LE: i32 = 3;
@inline const GT: i32 = 4;
@inline const GE: i32 = 5;

@inline function sign(x: v128): v128 {
  const one = v128.or(v128.and(x, i32x4.splat(<i32>0x80000000)), f32x4.splat(1));
  const zero = f32x4.splat(0);
  return v128.bitselect(one, x, v128.or(f32x4.lt(x, zero), f32x4.gt(x, zero)));
}

@inline function applyUnary(op: i32, x: v128): v128 {
  if (op == NEG) return f32x4.neg(x);
  if (op == ABS) return f32x4.abs(x);
  if (op == SIGN) return sign(x);
  if (op == FLOOR) return f32x4.floor(x);
  if (op == CEIL) return f32x4.ceil(x);
  if (op == ROUND) return f32x4.nearest(x);
  if (op == SQRT) return f32x4.sqrt(x);
  if (op == RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
  if (op == SQUARE) return f32x4.mul(x, x);
  if (op == EXP) return exp(x);
  if (op == LOG) return log(x);
  if (op == SIN) return sin(x);
  if (op == COS) return cos(x);
  if (op == TANH) return tanh(x);
  if (op == SIGMOID) return sigmoid(x);
  if (op == ERF) return erf(x);
  if (op == FLUSH) return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1e-30)));
  return v128.andnot(x, f32x4.le(x, f32x4.splat(0))); // relu
}

/** The last few elements go through the same vector code, one lane at a time. */
@inline function unaryLoop(op: i32, out: usize, x: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, x += 16) v128.store(out, applyUnary(op, v128.load(x)));
  for (; count > 0; count--, out += 4, x += 4) v128.store32_lane(out, applyUnary(op, v128.load32_splat(x)), 0);
}

export function unary(op: i32, out: usize, x: usize, count: i32): void {
  switch (op) {
    case NEG: return unaryLoop(NEG, out, x, count);
    case ABS: return unaryLoop(ABS, out, x, count);
    case SIGN: return unaryLoop(SIGN, out, x, count);
    case FLOOR: return unaryLoop(FLOOR, out, x, count);
    case CEIL: return unaryLoop(CEIL, out, x, count);
    case ROUND: return unaryLoop(ROUND, out, x, count);
    case SQRT: return unaryLoop(SQRT, out, x, count);
    case RECIPROCAL: return unaryLoop(RECIPROCAL, out, x, count);
    case SQUARE: return unaryLoop(SQUARE, out, x, count);
    case EXP: return unaryLoop(EXP, out, x, count);
    case LOG: return unaryLoop(LOG, out, x, count);
    case SIN: return unaryLoop(SIN, out, x, count);
    case COS: return unaryLoop(COS, out, x, count);
    case TANH: return unaryLoop(TANH, out, x, count);
    case SIGMOID: return unaryLoop(SIGMOID, out, x, count);
    case ERF: return unaryLoop(ERF, out, x, count);
    case FLUSH: return unaryLoop(FLUSH, out, x, count);
    default: return unaryLoop(RELU, out, x, count);
  }
}

@inline function applyBinary(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return f32x4.add(a, b);
  if (op == SUB) return f32x4.sub(a, b);
  if (op == MUL) return f32x4.mul(a, b);
  if (op == DIV) return f32x4.div(a, b);
  if (op == MAX) return f32x4.max(a, b);
  if (op == MIN) return f32x4.min(a, b);
  return v128.and(a, f32x4.gt(b, f32x4.splat(0))); // reluGrad
}

@inline function binaryLoop(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, a += 16, b += 16) {
    v128.store(out, applyBinary(op, v128.load(a), v128.load(b)));
  }
  for (; count > 0; count--, out += 4, a += 4, b += 4) {
    v128.store32_lane(out, applyBinary(op, v128.load32_splat(a), v128.load32_splat(b)), 0);
  }
}

export function binary(
  op: i32, out: usize, count: i32, a: usize, aRepeat: u32, aPeriod: u32, b: usize, bRepeat: u32, bPeriod: u32, work: usize,
): void {
  for (let i = 0; i < count; i += BLOCK) {
    const run = min(count - i, BLOCK);
    const x = operandBlock<f32>(a, aRepeat, aPeriod, i, run, work);
    const y = operandBlock<f32>(b, bRepeat, bPeriod, i, run, work + BLOCK_BYTES);
    const to = floatsAt(out, i);
    switch (op) {
      case ADD: binaryLoop(ADD, to, x, y, run); break;
      case SUB: binaryLoop(SUB, to, x, y, run); break;
      case MUL: binaryLoop(MUL, to, x, y, run); break;
      case DIV: binaryLoop(DIV, to, x, y, run); break;
      case MAX: binaryLoop(MAX, to, x, y, run); break;
      case MIN: binaryLoop(MIN, to, x, y, run); break;
      default: binaryLoop(RELU_GRAD, to, x, y, run);
    }
  }
}

@inline function applyCompare(op: i32, a: v128, b: v128): v128 {
  if (op == EQ) return f32x4.eq(a, b);
  if (op == NE) return f32x4.ne(a, b);
  if (op == LT) return f32x4.lt(a, b);
  if (op == LE) return f32x4.le(a, b);
  if (op == GT) return f32x4.gt(a, b);
  return f32x4.ge(a, b);
}

@inline function compareLoop(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 16; count -= 16, out += 16, a += 64, b += 64) {
    const m0 = applyCompare(op, v128.load(a), v128.load(b));
    const m1 = applyCompare(op, v128.load(a, 16), v128.load(b, 16));
    const m2 = applyCompare(op, v128.load(a, 32), v128.load(b, 32));
    const m3 = applyCompare(op, v128.load(a, 48), v128.load(b, 48));
    const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(m0, m1), i16x8.narrow_i32x4_s(m2, m3));
    v128.store(out, v128.and(bytes, i8x16.splat(1)));
  }
  for (; count > 0; count--, out++, a += 4, b += 4) {
    const mask = applyCompare(op, v128.load32_splat(a), v128.load32_splat(b));
    store<u8>(out, <u8>(i32x4.extract_lane(mask, 0) & 1));
  }
}

export function compare(
  op: i32, out: usize, count: i32, a: usize, aRepeat: u32, aPeriod: u32, b: usize, bRepeat: u32, bPeriod: u32, work: usize,
): void {
  for (let i = 0; i < count; i += BLOCK) {
    const run = min(count - i, BLOCK);
    const x = operandBlock<f32>(a, aRepeat, aPeriod, i, run, work);
    const y = operandBlock<f32>(b, bRepeat, bPeriod, i, run, work + BLOCK_BYTES);
    const to = out + <usize>i;
    switch (op) {
      case EQ: compareLoop(EQ, to, x, y, run); break;
      case NE: compareLoop(NE, to, x, y, run); break;
      case LT: compareLoop(LT, to, x, y, run); break;
      case LE: compareLoop(LE, to, x, y, run); break;
      case GT: compareLoop(GT, to, x, y, run); break;
      default: compareLoop(GE, to, x, y, run);
    }
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
