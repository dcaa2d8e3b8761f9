/** Checks derivative rules against finite differences and against each other, along random directions. */

import {
  aFunction,
  aNumber,
  type Kind,
  LockstepError,
  listOf,
  oneOf,
  type Rules,
  signature,
} from '@lockstep/errors';
import { fillRandomBits, foldIn, type Key, keyFromSeed } from '@lockstep/rng';
import { tensor } from '../convert.ts';
import { aTensor } from '../kinds.ts';
import { add, mul } from '../primitives/elementwise/fusible.ts';
import { sum } from '../primitives/reduce/sum.ts';
import type { Tensor } from '../tensor.ts';
import { jvp } from './jvp.ts';
import { vjp } from './vjp.ts';

export interface CheckGradsOptions {
  /** Derivatives of derivatives up to this order. Default 2. */
  readonly order?: number;
  readonly modes?: readonly ('forward' | 'reverse')[];
  /** Step of the central difference. Default 1e-5, near the optimum ∛ε for float64. */
  readonly step?: number;
  /** Allowed difference, relative to 1 + |value|. Default 1e-6. */
  readonly tolerance?: number;
  /** The seed of the random directions. */
  readonly seed?: number;
}

export const checkGradsRules: Rules<CheckGradsOptions> = {
  order: aNumber,
  modes: listOf(oneOf('forward', 'reverse'), "a list of 'forward' and 'reverse'"),
  step: aNumber,
  tolerance: aNumber,
  seed: aNumber,
};

type Fn = (...args: Tensor[]) => Tensor;

const listed = listOf(aTensor, 'a list of tensors, one or more');
const someTensors: Kind = {
  ...listed,
  fits: (value) => listed.fits(value) && (value as Tensor[]).length > 0,
};
const checkCall = signature('checkGrads', { f: aFunction, args: someTensors }, checkGradsRules);

/**
 * Throws unless the forward and reverse derivatives of `f` at `args` (float64) agree with central differences, and so
 * do the derivatives of these derivatives up to `order`. Each check uses one random direction, so the cost does not
 * grow with the number of elements.
 */
export function checkGrads(f: Fn, args: readonly Tensor[], options: CheckGradsOptions = {}): void {
  checkCall(f, args, options);
  const { order = 2, modes = ['forward', 'reverse'], step = 1e-5, tolerance = 1e-6, seed = 0 } = options;
  const key = keyFromSeed(seed);
  for (const x of args) {
    if (x.dtype !== 'float64') {
      throw new LockstepError(
        'dtype',
        `checkGrads: needs float64 arguments, not ${x.dtype}: in other types a central difference has too few digits`,
        {
          dtype: x.dtype,
        },
      );
    }
  }
  check(f, args, order, '', key);

  function check(g: Fn, at: readonly Tensor[], remaining: number, path: string, from: Key): void {
    if (remaining === 0) return;
    const directions = at.map((x, i) => randomLike(x, foldIn(from, i)));
    const weights = randomLike(g(...at), foldIn(from, 'cotangent'));
    const project = (y: Tensor): number => sum(mul(y, weights)).item();
    const moved = (by: number): Tensor[] => at.map((x, i) => add(x, mul(directions[i]!, by)));
    const numeric = (project(g(...moved(step))) - project(g(...moved(-step)))) / (2 * step);
    const tangent = (...xs: Tensor[]): Tensor => jvp<Tensor[], Tensor>(g, xs, directions)[1];
    const cotangents = (...xs: Tensor[]): Tensor[] => vjp<Tensor[], Tensor>(g, ...xs)[1](weights);
    if (modes.includes('forward')) {
      compare(`${path}jvp`, project(tangent(...at)), numeric);
      check(tangent, at, remaining - 1, `${path}jvp of `, foldIn(from, 'forward'));
    }
    if (modes.includes('reverse')) {
      const inner = (...xs: Tensor[]): Tensor =>
        cotangents(...xs)
          .map((ct, i) => sum(mul(ct, directions[i]!)))
          .reduce((a, b) => add(a, b));
      compare(`${path}vjp`, inner(...at).item(), numeric);
      check(inner, at, remaining - 1, `${path}vjp of `, foldIn(from, 'reverse'));
    }
  }

  function compare(rule: string, found: number, expected: number): void {
    if (Math.abs(found - expected) <= tolerance * (1 + Math.abs(expected))) return;
    throw new LockstepError(
      'argument',
      `checkGrads: ${rule} gives ${found}, central differences give ${expected}; the rule is wrong or the point lies at a kink`,
      { rule, found, expected },
    );
  }
}

/** Numbers in [−1, 1) of x's shape, float64. */
function randomLike(x: Tensor, key: Key): Tensor {
  const bits = new Uint32Array(x.size);
  fillRandomBits(bits, key);
  return tensor(
    Float64Array.from(bits, (b) => b / 2147483648 - 1),
    { shape: x.shape },
  );
}
