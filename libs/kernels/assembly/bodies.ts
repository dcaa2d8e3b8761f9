/**
 * The bodies of the elementwise operations, for four floats. A body has the name that `src/operations.ts` gives its operation;
 * `operations.ts` finds it by number.
 */
export { cos, erf, exp, log, sigmoid, sin, tanh } from './math';

@inline export function neg(x: v128): v128 {
  return f32x4.neg(x);
}

@inline export function abs(x: v128): v128 {
  return f32x4.abs(x);
}

@inline export function sign(x: v128): v128 {
  const one = v128.or(v128.and(x, i32x4.splat(<i32>0x80000000)), f32x4.splat(1));
  const zero = f32x4.splat(0);
  return v128.bitselect(one, x, v128.or(f32x4.lt(x, zero), f32x4.gt(x, zero)));
}

@inline export function floor(x: v128): v128 {
  return f32x4.floor(x);
}

@inline export function ceil(x: v128): v128 {
  return f32x4.ceil(x);
}

@inline export function round(x: v128): v128 {
  return f32x4.nearest(x);
}

@inline export function sqrt(x: v128): v128 {
  return f32x4.sqrt(x);
}

@inline export function reciprocal(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), x);
}

@inline export function square(x: v128): v128 {
  return f32x4.mul(x, x);
}

@inline export function relu(x: v128): v128 {
  return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
}

@inline export function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1e-30)));
}

@inline export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

@inline export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

@inline export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

@inline export function div(a: v128, b: v128): v128 {
  return f32x4.div(a, b);
}

@inline export function max(a: v128, b: v128): v128 {
  return f32x4.max(a, b);
}

@inline export function min(a: v128, b: v128): v128 {
  return f32x4.min(a, b);
}

@inline export function reluGrad(g: v128, x: v128): v128 {
  return v128.and(g, f32x4.gt(x, f32x4.splat(0)));
}

@inline export function eq(a: v128, b: v128): v128 {
  return f32x4.eq(a, b);
}

@inline export function ne(a: v128, b: v128): v128 {
  return f32x4.ne(a, b);
}

@inline export function lt(a: v128, b: v128): v128 {
  return f32x4.lt(a, b);
}

@inline export function le(a: v128, b: v128): v128 {
  return f32x4.le(a, b);
}

@inline export function gt(a: v128, b: v128): v128 {
  return f32x4.gt(a, b);
}

@inline export function ge(a: v128, b: v128): v128 {
  return f32x4.ge(a, b);
}
