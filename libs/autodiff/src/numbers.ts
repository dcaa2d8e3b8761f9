/**
 * JavaScript numbers where an element type is given: a number that the type cannot hold is refused, never truncated or
 * wrapped.
 */
import { LockstepError } from '@lockstep/errors';
import { type DType, heldBy, holds, isFloat } from '@lockstep/tensor';

/** Makes the error for a number that does not fit. */
export type Refuse = (value: number, dtype: Exclude<DType, 'float32' | 'float64'>) => LockstepError;

/** For numbers that take the type of an array in the same call. */
export const beside =
  (op: string): Refuse =>
  (value, dtype) =>
    refusal(
      op,
      value,
      dtype,
      `is given with ${withArticle(dtype)} array, which holds ${heldBy(dtype)}; convert the array first with .cast('${floatFor(value)}')`,
    );

/** For numbers that become the elements of an array. */
export const madeBy =
  (op: string): Refuse =>
  (value, dtype) =>
    refusal(
      op,
      value,
      dtype,
      `is not ${withArticle(dtype)} value: ${dtype} holds ${heldBy(dtype)}; make an array of '${floatFor(value)}'${
        dtype === 'bool'
          ? ', and compare it, as in x.greater(0.5)'
          : `, whose .cast('${dtype}') truncates fractions and saturates`
      }`,
    );

const withArticle = (dtype: DType): string => `${dtype === 'int32' ? 'an' : 'a'} ${dtype}`;

const refusal = (op: string, value: number, dtype: DType, what: string): LockstepError =>
  new LockstepError('dtype', `${op}: ${value} ${what}`, { op, value, dtype });

/** The float type that keeps the digits of a whole number: float32 has them up to 2²⁴. */
const floatFor = (value: number): 'float32' | 'float64' =>
  Number.isFinite(value) && Math.abs(value) > 2 ** 24 ? 'float64' : 'float32';

/** @throws LockstepError `dtype` unless the type holds all of the numbers. */
export function requireHeld(values: Iterable<number>, dtype: DType, refuse: Refuse): void {
  if (isFloat(dtype)) return;
  for (const value of values) if (!holds(dtype, value)) throw refuse(value, dtype);
}
