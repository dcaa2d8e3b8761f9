import type { BinaryOp, CompareOp, ReduceOp, UnaryOp } from '../kernels.ts';

/** The operations' numbers in `assembly/elementwise.ts` and `assembly/reduce.ts`; the reference does the rest. */
export const unaryCodes: Readonly<Record<Exclude<UnaryOp, 'not'>, number>> = {
  neg: 0,
  abs: 1,
  sign: 2,
  floor: 3,
  ceil: 4,
  round: 5,
  sqrt: 6,
  reciprocal: 7,
  square: 8,
  exp: 9,
  log: 10,
  sin: 11,
  cos: 12,
  tanh: 13,
  sigmoid: 14,
  erf: 15,
  relu: 16,
  flush: 17,
};

export const binaryCodes: Readonly<Record<BinaryOp, number>> = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  max: 4,
  min: 5,
  reluGrad: 6,
};

export const compareCodes: Readonly<Record<Exclude<CompareOp, 'and' | 'or'>, number>> = {
  eq: 0,
  ne: 1,
  lt: 2,
  le: 3,
  gt: 4,
  ge: 5,
};

export const reduceCodes: Readonly<Record<ReduceOp, number>> = { sum: 0, max: 1, min: 2 };
