// Generated from src/operations.ts by src/operations.test.ts: change the table, not this file.
import * as bodies from './bodies';

@inline export const NEG: i32 = 0;
@inline export const ABS: i32 = 1;
@inline export const SIGN: i32 = 2;
@inline export const FLOOR: i32 = 3;
@inline export const CEIL: i32 = 4;
@inline export const ROUND: i32 = 5;
@inline export const SQRT: i32 = 6;
@inline export const RECIPROCAL: i32 = 7;
@inline export const SQUARE: i32 = 8;
@inline export const EXP: i32 = 9;
@inline export const LOG: i32 = 10;
@inline export const SIN: i32 = 11;
@inline export const COS: i32 = 12;
@inline export const TANH: i32 = 13;
@inline export const SIGMOID: i32 = 14;
@inline export const ERF: i32 = 15;
@inline export const RELU: i32 = 16;
@inline export const FLUSH: i32 = 17;
@inline export const ADD: i32 = 18;
@inline export const SUB: i32 = 19;
@inline export const MUL: i32 = 20;
@inline export const DIV: i32 = 21;
@inline export const MAX: i32 = 22;
@inline export const MIN: i32 = 23;
@inline export const RELU_GRAD: i32 = 24;
@inline export const EQ: i32 = 25;
@inline export const NE: i32 = 26;
@inline export const LT: i32 = 27;
@inline export const LE: i32 = 28;
@inline export const GT: i32 = 29;
@inline export const GE: i32 = 30;

@inline export const REDUCE_SUM: i32 = 0;
@inline export const REDUCE_MAX: i32 = 1;
@inline export const REDUCE_MIN: i32 = 2;

// `op` is a constant wherever these are called, so that one line of them remains.
@inline export function applyUnary(op: i32, x: v128): v128 {
  if (op == NEG) return bodies.neg(x);
  if (op == ABS) return bodies.abs(x);
  if (op == SIGN) return bodies.sign(x);
  if (op == FLOOR) return bodies.floor(x);
  if (op == CEIL) return bodies.ceil(x);
  if (op == ROUND) return bodies.round(x);
  if (op == SQRT) return bodies.sqrt(x);
  if (op == RECIPROCAL) return bodies.reciprocal(x);
  if (op == SQUARE) return bodies.square(x);
  if (op == EXP) return bodies.exp(x);
  if (op == LOG) return bodies.log(x);
  if (op == SIN) return bodies.sin(x);
  if (op == COS) return bodies.cos(x);
  if (op == TANH) return bodies.tanh(x);
  if (op == SIGMOID) return bodies.sigmoid(x);
  if (op == ERF) return bodies.erf(x);
  if (op == RELU) return bodies.relu(x);
  return bodies.flush(x);
}

@inline export function applyBinary(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return bodies.add(a, b);
  if (op == SUB) return bodies.sub(a, b);
  if (op == MUL) return bodies.mul(a, b);
  if (op == DIV) return bodies.div(a, b);
  if (op == MAX) return bodies.max(a, b);
  if (op == MIN) return bodies.min(a, b);
  return bodies.reluGrad(a, b);
}

@inline export function applyComparison(op: i32, a: v128, b: v128): v128 {
  if (op == EQ) return bodies.eq(a, b);
  if (op == NE) return bodies.ne(a, b);
  if (op == LT) return bodies.lt(a, b);
  if (op == LE) return bodies.le(a, b);
  if (op == GT) return bodies.gt(a, b);
  return bodies.ge(a, b);
}
