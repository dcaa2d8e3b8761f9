/** Functions of four floats, with the operations of `src/reference/float32-math.ts`, which explains them. */

import { NEAR_ANGLES, sinOfLarge } from './large-angles';

@inline const LOG2_E: f32 = 1.4426950408889634;
@inline const LN2_HIGH: f32 = 0.693359375;
@inline const LN2_LOW: f32 = -2.1219444e-4;
@inline const SQRT_HALF: f32 = 0.7071067811865476;
@inline const SMALLEST_NORMAL: f32 = 1.17549435e-38;
@inline const TWO_OVER_PI: f32 = 0.6366197723675814;
@inline const ROUNDER: f32 = 12582912;

@inline function splat(x: f32): v128 {
  return f32x4.splat(x);
}

@inline function signBits(x: v128): v128 {
  return v128.and(x, i32x4.splat(<i32>0x80000000));
}

/** One step of Horner's scheme. */
@inline function step(p: v128, x: v128, coefficient: f32): v128 {
  return f32x4.add(f32x4.mul(p, x), splat(coefficient));
}

@inline function choose(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

@inline function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

@inline export function exp(x: v128): v128 {
  const t = f32x4.min(f32x4.max(x, splat(-104)), splat(89));
  const n = f32x4.floor(f32x4.add(f32x4.mul(t, splat(LOG2_E)), splat(0.5)));
  const r = f32x4.sub(f32x4.sub(t, f32x4.mul(n, splat(LN2_HIGH))), f32x4.mul(n, splat(LN2_LOW)));
  let p = splat(1.98756915e-4);
  p = step(p, r, 1.3981999507e-3);
  p = step(p, r, 8.3334519073e-3);
  p = step(p, r, 4.1665795894e-2);
  p = step(p, r, 1.6666665459e-1);
  p = step(p, r, 0.5);
  const y = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), splat(1));
  const k = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(k, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(k, half)));
}

@inline export function log(x: v128): v128 {
  const denormal = f32x4.lt(x, splat(SMALLEST_NORMAL));
  const word = choose(denormal, f32x4.mul(x, splat(8388608)), x);
  const mantissa = v128.or(v128.and(word, i32x4.splat(0x7fffff)), i32x4.splat(0x3f000000));
  const low = f32x4.lt(mantissa, splat(SQRT_HALF));
  const f = f32x4.sub(f32x4.add(mantissa, v128.and(mantissa, low)), splat(1));
  let exponent = i32x4.sub(i32x4.shr_s(word, 23), i32x4.splat(126));
  exponent = i32x4.sub(exponent, v128.and(denormal, i32x4.splat(23)));
  const e = f32x4.convert_i32x4_s(i32x4.add(exponent, low)); // a mask of ones is −1
  const z = f32x4.mul(f, f);
  let p = splat(7.0376836292e-2);
  p = step(p, f, -1.151461031e-1);
  p = step(p, f, 1.167699874e-1);
  p = step(p, f, -1.2420140846e-1);
  p = step(p, f, 1.4249322787e-1);
  p = step(p, f, -1.6668057665e-1);
  p = step(p, f, 2.0000714765e-1);
  p = step(p, f, -2.4999993993e-1);
  p = step(p, f, 3.3333331174e-1);
  let y = f32x4.mul(f32x4.mul(p, f), z);
  y = f32x4.add(y, f32x4.mul(e, splat(LN2_LOW)));
  y = f32x4.sub(y, f32x4.mul(splat(0.5), z));
  y = f32x4.add(f32x4.add(f, y), f32x4.mul(e, splat(LN2_HIGH)));
  y = choose(f32x4.eq(x, splat(Infinity)), x, y);
  y = choose(f32x4.eq(x, splat(0)), splat(-Infinity), y);
  return choose(f32x4.ge(x, splat(0)), y, splat(NaN));
}

/** The next subtrahend: n·part less the rounding error of the subtraction before. */
@inline function taken(n: v128, part: f32, tail: v128): v128 {
  return f32x4.sub(f32x4.mul(n, splat(part)), tail);
}

@inline function tailOf(before: v128, r: v128, taken: v128): v128 {
  return f32x4.sub(f32x4.sub(before, r), taken);
}

@inline function sinPolynomial(r: v128, tail: v128): v128 {
  const z = f32x4.mul(r, r);
  let p = splat(-1.9515295891e-4);
  p = step(p, z, 8.3321608736e-3);
  p = step(p, z, -1.6666654611e-1);
  return f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, z), r), tail), r);
}

@inline function cosPolynomial(r: v128): v128 {
  const z = f32x4.mul(r, r);
  let p = splat(2.443315711809948e-5);
  p = step(p, z, -1.388731625493765e-3);
  p = step(p, z, 4.166664568298827e-2);
  p = f32x4.sub(f32x4.mul(p, f32x4.mul(z, z)), f32x4.mul(splat(0.5), z));
  return f32x4.add(p, splat(1));
}

/** sin(|x| + shift·π/2) */
@inline function sinShifted(magnitude: v128, shift: i32): v128 {
  const rounded = f32x4.add(f32x4.mul(magnitude, splat(TWO_OVER_PI)), splat(ROUNDER));
  const n = f32x4.sub(rounded, splat(ROUNDER));
  let before = f32x4.sub(magnitude, f32x4.mul(n, splat(1.5703125)));
  before = f32x4.sub(before, f32x4.mul(n, splat(0.0004825592041015625)));
  let part = f32x4.mul(n, splat(0.0000012665987014770508));
  let r = f32x4.sub(before, part);
  let tail = tailOf(before, r, part);
  before = r;
  part = taken(n, 9.89530235528946e-10, tail);
  r = f32x4.sub(before, part);
  tail = tailOf(before, r, part);
  before = r;
  part = taken(n, 2.5633440682570896e-12, tail);
  r = f32x4.sub(before, part);
  tail = tailOf(before, r, part);
  const quarter = i32x4.add(rounded, i32x4.splat(shift));
  const isOdd = i32x4.shr_s(i32x4.shl(quarter, 31), 31);
  const y = choose(isOdd, cosPolynomial(r), sinPolynomial(r, tail));
  return v128.xor(y, signBits(i32x4.shl(quarter, 30)));
}

@inline function isLargeAngle(magnitude: v128): v128 {
  return f32x4.gt(magnitude, splat(NEAR_ANGLES));
}

/** y, with sin(|x| + shift·π/2) in the lanes where |x| is large. */
function withLarge(y: v128, magnitude: v128, shift: i32): v128 {
  const large = isLargeAngle(magnitude);
  if (i32x4.extract_lane(large, 0)) y = f32x4.replace_lane(y, 0, sinOfLarge(f32x4.extract_lane(magnitude, 0), shift));
  if (i32x4.extract_lane(large, 1)) y = f32x4.replace_lane(y, 1, sinOfLarge(f32x4.extract_lane(magnitude, 1), shift));
  if (i32x4.extract_lane(large, 2)) y = f32x4.replace_lane(y, 2, sinOfLarge(f32x4.extract_lane(magnitude, 2), shift));
  if (i32x4.extract_lane(large, 3)) y = f32x4.replace_lane(y, 3, sinOfLarge(f32x4.extract_lane(magnitude, 3), shift));
  return y;
}

@inline export function sin(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  let y = sinShifted(magnitude, 0);
  if (v128.any_true(isLargeAngle(magnitude))) y = withLarge(y, magnitude, 0);
  return v128.xor(y, signBits(x));
}

@inline export function cos(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const y = sinShifted(magnitude, 1);
  return v128.any_true(isLargeAngle(magnitude)) ? withLarge(y, magnitude, 1) : y;
}

@inline export function tanh(x: v128): v128 {
  const t = f32x4.abs(x);
  const z = f32x4.mul(t, t);
  let p = splat(-5.70498872745e-3);
  p = step(p, z, 2.06390887954e-2);
  p = step(p, z, -5.37397155531e-2);
  p = step(p, z, 1.33314422036e-1);
  p = step(p, z, -3.33332819422e-1);
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), t), t);
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(exp(f32x4.add(t, t)), splat(1))));
  return v128.or(choose(f32x4.lt(t, splat(0.625)), near, far), signBits(x));
}

@inline export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  return f32x4.div(choose(f32x4.ge(x, splat(0)), splat(1), e), f32x4.add(splat(1), e));
}

@inline export function erf(x: v128): v128 {
  const t = f32x4.min(f32x4.abs(x), splat(4));
  const z = f32x4.mul(t, t);
  let p = splat(-5.96761703e-4);
  p = step(p, z, 4.99119423e-3);
  p = step(p, z, -2.67681349e-2);
  p = step(p, z, 1.12819925e-1);
  p = step(p, z, -3.76125336e-1);
  p = step(p, z, 1.28379166e-1);
  const near = f32x4.add(f32x4.mul(p, t), t);
  let q = splat(-1.7285347e-5);
  q = step(q, t, 3.83197126e-4);
  q = step(q, t, -3.88396438e-3);
  q = step(q, t, 2.42546219e-2);
  q = step(q, t, -1.06777877e-1);
  q = step(q, t, -6.34846687e-1);
  q = step(q, t, -1.28717512e-1);
  const far = f32x4.sub(splat(1), exp(f32x4.sub(f32x4.mul(q, t), t)));
  return v128.or(choose(f32x4.le(t, splat(0.927734375)), near, far), signBits(x));
}
