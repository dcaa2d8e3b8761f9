import type { Tensor } from '@lockstep/autodiff';
import { flatten } from '@lockstep/tree';

/** How many numbers a tree of parameters holds. */
export const countParams = (params: unknown): number =>
  (flatten(params).leaves as Tensor[]).reduce((sum, { size }) => sum + size, 0);
