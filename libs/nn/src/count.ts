import type { Tensor } from '@lockstep/autodiff';
import { anything, signature } from '@lockstep/errors';
import { flatten } from '@lockstep/tree';

const checkCountParams = signature('countParams', { params: anything });

/** How many numbers a tree of parameters holds. */
export function countParams(params: unknown): number {
  checkCountParams(params);
  return (flatten(params).leaves as Tensor[]).reduce((sum, { size }) => sum + size, 0);
}
