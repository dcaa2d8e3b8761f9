/**
 * What a plan is: segments of equations, a place for every value, and the values that the exchanges between segments
 * carry.
 */

import { anObject, type Kind } from '@lockstep/errors';
import { aProgram, type Bodies, type Equation, type Program } from './program.ts';

/** Where a variable's elements lie. Aliases share a place. */
export type Place =
  | { readonly kind: 'input'; readonly index: number }
  /** In an instance's own arena. */
  | { readonly kind: 'arena'; readonly byteOffset: number }
  /** In the buffer that the instance is given for this output. */
  | { readonly kind: 'output'; readonly index: number }
  /** In the result of an exchange, which blocks of one worker share. Offset in elements. */
  | { readonly kind: 'result'; readonly exchange: number; readonly bucket: number; readonly offset: number };

/** Values that are reduced together. They leave during a segment or at its end. */
export interface PlannedBucket {
  readonly op: BucketOp;
  /** Number of float32 elements. */
  readonly size: number;
  /**
   * The exchanges of the traced program that the bucket carries, by their variables. They do not depend on the block's
   * size.
   */
  readonly exchanged: readonly number[];
  /** The partial results in the arena, one after the other. */
  readonly byteOffset: number;
  /** The bucket and those before it may leave after this many equations of the segment. */
  readonly readyAfter: number;
}

export interface Plan {
  readonly program: Program;
  readonly hash: string;
  /** The number of equations before optimisation. */
  readonly numTraced: number;
  /** `exchanges[i]` follows `segments[i]`: an exchange lies between two segments. */
  readonly segments: readonly (readonly Equation[])[];
  readonly exchanges: readonly (readonly PlannedBucket[])[];
  readonly places: ReadonlyMap<number, Place>;
  readonly arenaBytes: number;
  /** The number of outputs, from the first on, that end in the memory of the inputs with their indices. */
  readonly numInPlace: number;
}

/** For callers without types. */
export const aPlan: Kind = {
  what: 'a plan, as planProgram gives it',
  fits: (value) =>
    anObject.fits(value) &&
    aProgram.fits((value as Partial<Plan>).program) &&
    'segments' in (value as object),
};

/** How the partial results of two neighbouring subtrees are combined into that of their parent. */
export type BucketOp = 'sum' | 'moments';

/** The attrs of a construct in a planned program. */
export interface PlannedBodies extends Bodies {
  readonly plans: readonly Plan[];
}
