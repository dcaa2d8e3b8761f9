/** Running products and log-sum-exp along an axis, and differences of neighbours. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { full } from '../../convert.ts';
import { anAxis, aTensor } from '../../kinds.ts';
import { logAddExp } from '../../primitives/elementwise/exponentials.ts';
import { mul, sub } from '../../primitives/elementwise/fusible.ts';
import { requireArithmetic, requireFloat } from '../../primitives/elementwise/rules.ts';
import { type CumulativeOptions, cumulative } from '../../primitives/reduce/cumulative.ts';
import { broadcastTo } from '../../primitives/reduce/sum.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { flip, slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';

/** Products of the elements so far along `axis` (of all, flattened, by default). The gradient is right at zeros too. */
export const cumProd: (x: Tensor, axis?: number, options?: CumulativeOptions) => Tensor = cumulative(
  'cumProd',
  (x, axis, reverse) => {
    requireArithmetic('cumProd', x);
    return scan(mul, 1)(x, axis, reverse);
  },
);

/** ln Σ exp of the elements so far along `axis` (of all, flattened, by default), without overflow. */
export const logCumSumExp: (x: Tensor, axis?: number, options?: CumulativeOptions) => Tensor = cumulative(
  'logCumSumExp',
  (x, axis, reverse) => {
    requireFloat('logCumSumExp', x);
    return scan(logAddExp, Number.NEGATIVE_INFINITY)(x, axis, reverse);
  },
);

/**
 * The prefixes of an associative op with a neutral element, in log₂ n rounds; a round combines every element with the
 * one 1, 2, 4, … places before it (Hillis and Steele, 1986). The derivatives are those of the op, without any division.
 */
function scan(op: (a: Tensor, b: Tensor) => Tensor, neutral: number) {
  return (x: Tensor, axis: number, reverse: boolean): Tensor => {
    if (reverse) return flip(scan(op, neutral)(flip(x, [axis]), axis, false), [axis]);
    const size = x.shape[axis]!;
    let result = x;
    for (let distance = 1; distance < size; distance *= 2) {
      const before = slice(result, [], x.shape.with(axis, size - distance));
      const lead = broadcastTo(full([], neutral, x.dtype), x.shape.with(axis, distance));
      result = op(concatenate([lead, before], axis), result);
    }
    return result;
  };
}

const checkDiff = signature('diff', { x: aTensor, 'n?': aNumber, 'axis?': anAxis });

/** The differences of neighbours along `axis`, the last by default, taken n times. [..m..] → [..m − n..] */
export function diff(x: Tensor, n = 1, axis = -1): Tensor {
  checkDiff(x, n, axis);
  const along = normalizeAxis('diff', axis, x.rank);
  if (!Number.isInteger(n) || n < 0) {
    throw new LockstepError(
      'argument',
      `diff: differences of ${formatShape(x.shape)} cannot be taken ${n} times; give a whole number ≥ 0`,
      { op: 'diff', n },
    );
  }
  let result = x;
  for (let i = 0; i < n && result.shape[along]! > 0; i++) {
    const size = result.shape[along]!;
    const later = slice(
      result,
      result.shape.map((_, k) => (k === along ? 1 : 0)),
    );
    result = sub(later, slice(result, [], result.shape.with(along, size - 1)));
  }
  return result;
}
