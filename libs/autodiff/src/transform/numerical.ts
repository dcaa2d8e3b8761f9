/** Derivatives by finite differences, for checks and for functions that no rule covers. */

import { aFunction, aNumber, LockstepError, oneOf, type Rules, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { unflatten } from '@lockstep/tree';
import { asTensor, tensor } from '../convert.ts';
import { someArguments } from '../kinds.ts';
import type { Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';
import { type GradientBy, restrict, type Wrt } from './derivatives.ts';
import type { Inputs } from './types.ts';

/** A difference quotient: Σ weight · f(x + at·h) / h. */
interface Formula {
  readonly points: readonly { readonly at: number; readonly weight: number }[];
  /** The step at which truncation, O(hᵖ), and rounding, O(ε/h), are about equal: ε^(1/(p + 1)). */
  readonly step: number;
}

/** Abramowitz and Stegun (1964), table 25.2. */
const formulas = {
  /** Error O(h). */
  forward: {
    points: [
      { at: 0, weight: -1 },
      { at: 1, weight: 1 },
    ],
    step: 1.5e-8,
  },
  /** Error O(h). */
  backward: {
    points: [
      { at: -1, weight: -1 },
      { at: 0, weight: 1 },
    ],
    step: 1.5e-8,
  },
  /** Error O(h²). */
  central: {
    points: [
      { at: -1, weight: -1 / 2 },
      { at: 1, weight: 1 / 2 },
    ],
    step: 6e-6,
  },
  /** Error O(h⁴). */
  fivePoint: {
    points: [
      { at: -2, weight: 1 / 12 },
      { at: -1, weight: -2 / 3 },
      { at: 1, weight: 2 / 3 },
      { at: 2, weight: -1 / 12 },
    ],
    step: 7e-4,
  },
} as const satisfies Record<string, Formula>;

export interface NumericalGradOptions {
  /** Default 'central'. Errors are O(h) for 'forward' and 'backward', O(h²) for 'central', O(h⁴) for 'fivePoint'. */
  readonly method?: keyof typeof formulas;
  /** The step h. The default balances the method's truncation and float64's rounding for values near 1. */
  readonly step?: number;
}

export const numericalGradRules: Rules<NumericalGradOptions> = {
  method: oneOf(...Object.keys(formulas)),
  step: aNumber,
};

const checkNumericalGrad = signature(
  'numericalGrad',
  { f: aFunction, 'wrt?': someArguments },
  numericalGradRules,
);

/**
 * The gradient of a scalar function by finite differences, element by element: two evaluations for each element with
 * central differences. It takes float64 only, since a difference of float32 numbers has about two digits.
 */
export function numericalGrad<Args extends readonly unknown[], const W extends Wrt = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
  options: NumericalGradOptions = {},
): (...args: Inputs<Args>) => GradientBy<Args, W> {
  checkNumericalGrad(f, wrt, options);
  const { points, step: usual }: Formula = formulas[options.method ?? 'central'];
  const step = options.step ?? usual;
  if (!(step > 0)) {
    throw new LockstepError('argument', `numericalGrad: a step of ${step}; it must be positive`, { step });
  }
  return (...args) => {
    const { g, chosen } = restrict('numericalGrad', f, args, wrt);
    const { leaves, structure } = toTensors('numericalGrad', chosen);
    const valueAt = (leaf: number, element: number, moved: number): number => {
      const data = Float64Array.from(leaves[leaf]!.data);
      data[element] = moved;
      const x = tensor(data, { shape: leaves[leaf]!.shape });
      return scalar(g(unflatten(structure, leaves.with(leaf, x))));
    };
    const gradients = leaves.map((x, leaf) => {
      requireFloat64(x);
      const slopes = Float64Array.from(x.data, (value, element) =>
        quotient(points, step, value, (moved) => valueAt(leaf, element, moved)),
      );
      return tensor(slopes, { shape: x.shape });
    });
    return unflatten(structure, gradients) as GradientBy<Args, W>;
  };
}

function quotient(points: Formula['points'], h: number, x: number, f: (x: number) => number): number {
  let total = 0;
  for (const { at, weight } of points) total += weight * f(x + at * h);
  return total / h;
}

function scalar(value: Tensor): number {
  const y = asTensor(value);
  if (y.rank > 0) {
    throw new LockstepError(
      'shape',
      `numericalGrad: the function must return a scalar, not ${formatShape(y.shape)}; reduce it with sum() or mean()`,
      { shape: y.shape },
    );
  }
  return y.item();
}

function requireFloat64({ dtype }: Tensor): void {
  if (dtype === 'float64') return;
  throw new LockstepError(
    'dtype',
    `numericalGrad: needs float64, not ${dtype}: in other types a difference has too few digits; convert with .cast('float64')`,
    { dtype },
  );
}
