import type { Tensor } from '@lockstep/autodiff';
import { anything, signature } from '@lockstep/errors';
import { flatten } from '@lockstep/tree';

const checkCountParams = signature('countParams', { params: anything });

/** The number of elements in a tree of parameters. */
export function countParams(params: unknown): number {
  checkCountParams(params);
  return (flatten(params).leaves as Tensor[]).reduce((sum, { size }) => sum + size, 0);
}
