/**
 * What the planner may ask of a constant's value. Programs that differ only in numbers share a plan
 * ([shared-plans.ts](shared-plans.ts)) if these questions have the same answers, so no rewrite looks at a value in any
 * other way.
 */
import { isFloat, type Storage } from '@lockstep/tensor';

/** Equal for constants of one element that hold the same number in the same type; undefined for arrays. */
export function numberIn({ dtype, data }: Storage): string | undefined {
  if (data.length !== 1) return undefined;
  return `${dtype} ${Object.is(data[0], -0) ? '-0' : data[0]}`;
}

/** Whether a constant is the number 1. */
export const isUnit = ({ data }: Storage): boolean => data.length === 1 && data[0] === 1;

/**
 * Numbers that algebra treats specially. Programs in which one of them has another value never share a plan, also where
 * no rewrite asks for it today.
 */
const special: readonly number[] = [0, 1, -1, 2, 0.5, Infinity, -Infinity, NaN];

/** Whether a constant is a number such as a rate, for which another one may be put into a finished plan. */
export const isFreeNumber = ({ dtype, data }: Storage): boolean =>
  data.length === 1 && isFloat(dtype) && !special.includes(data[0]!);
