/**
 * Functions that the host computes for every backend, in doubles with our own series. They take arrays of float32 or
 * float64. A float32 result is rounded once, from a double that is accurate to a few ulp.
 */
import type { TypedArray } from '@lockstep/tensor';
import { erfc, erfInv } from './error-function.ts';
import { acosh, asinh, atanh, cosh, exp2, expm1, log1p, logAddExp, sinh, softplus } from './exponentials.ts';
import { logGamma, polygamma } from './gamma.ts';
import { cbrt, floorDivide, hypot, log2, log10, pow, remainder } from './powers.ts';
import { acos, asin, atan, atan2, sinc } from './trigonometry.ts';

const unaryMath = {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  cbrt,
  cosh,
  erfInv,
  erfc,
  exp2,
  expm1,
  log1p,
  log2,
  log10,
  logGamma,
  sinh,
  softplus,
} as const;

const binaryMath = { atan2, floorDivide, hypot, logAddExp, pow, remainder } as const;

/** Functions of an integer n (the order of a derivative) and x. */
const orderedMath = { polygamma, sinc } as const;

export type HostUnaryOp = keyof typeof unaryMath;
export type HostBinaryOp = keyof typeof binaryMath;
export type HostOrderedOp = keyof typeof orderedMath;

/** out = op(x), elementwise. */
export function hostUnary(op: HostUnaryOp, out: TypedArray, x: TypedArray): void {
  const f = unaryMath[op];
  for (let i = 0; i < out.length; i++) out[i] = f(x[i]!);
}

/** out = op(a, b), elementwise. */
export function hostBinary(op: HostBinaryOp, out: TypedArray, a: TypedArray, b: TypedArray): void {
  const f = binaryMath[op];
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!);
}

/** out = op(n, x), elementwise in x. */
export function hostOrdered(op: HostOrderedOp, n: number, out: TypedArray, x: TypedArray): void {
  const f = orderedMath[op];
  for (let i = 0; i < out.length; i++) out[i] = f(n, x[i]!);
}
