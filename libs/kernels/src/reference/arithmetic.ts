import { LockstepError } from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import type { Profile } from '../kernels.ts';
import { fma } from './fma.ts';

/** Scalar arithmetic of one dtype. Every operation returns a value of that dtype. */
export interface Arithmetic {
  readonly add: (a: number, b: number) => number;
  readonly sub: (a: number, b: number) => number;
  readonly mul: (a: number, b: number) => number;
  readonly div: (a: number, b: number) => number;
  /** One term of a contraction, `acc + a·b`. The profile decides how often it rounds. */
  readonly mulAdd: (acc: number, a: number, b: number) => number;
}

const { fround, imul } = Math;

// Rounding the float64 result gives the float32 result: 53 ≥ 2·24 + 2 bits make the double rounding harmless.
const float32: Arithmetic = {
  add: (a, b) => fround(a + b),
  sub: (a, b) => fround(a - b),
  mul: (a, b) => fround(a * b),
  div: (a, b) => fround(a / b),
  mulAdd: (acc, a, b) => fround(acc + fround(a * b)),
};

const float64: Arithmetic = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mulAdd: (acc, a, b) => acc + a * b,
};

// Integers wrap. A division truncates toward zero; a division by zero gives 0.
const int32: Arithmetic = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: imul,
  div: (a, b) => (a / b) | 0,
  mulAdd: (acc, a, b) => (acc + imul(a, b)) | 0,
};

const uint32: Arithmetic = {
  add: (a, b) => (a + b) >>> 0,
  sub: (a, b) => (a - b) >>> 0,
  mul: (a, b) => imul(a, b) >>> 0,
  div: (a, b) => (a / b) >>> 0,
  mulAdd: (acc, a, b) => (acc + imul(a, b)) >>> 0,
};

const portable = { float32, float64, int32, uint32 };

const tables: Readonly<Record<Profile, typeof portable>> = {
  portable,
  fma: { ...portable, float32: { ...float32, mulAdd: fma } },
};

/**
 * The profile matters for `mulAdd` of float32 only.
 * @throws LockstepError `dtype` for bool, which has no arithmetic.
 */
export function arithmeticOf(op: string, dtype: DType, profile: Profile = 'portable'): Arithmetic {
  if (dtype === 'bool') {
    throw new LockstepError('dtype', `${op}: a bool array has no arithmetic; cast it to float32`, {
      op,
      dtype,
    });
  }
  return tables[profile][dtype];
}
