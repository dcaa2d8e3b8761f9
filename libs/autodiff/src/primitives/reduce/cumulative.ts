/** Running sums, products and extremes along an axis, and differences. */

import { aBoolean, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { runningExtreme, runningSum } from '@lockstep/kernels';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { takeAlongAxis } from '../../compositions/shape/taking.ts';
import { full } from '../../convert.ts';
import { bind, type Primitive, type Tensor } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor } from '../../kinds.ts';
import { logAddExp } from '../elementwise/exponentials.ts';
import { mul, requireArithmetic, requireFloat, sub } from '../elementwise/fusible.ts';
import { broadcastTo, reduceGeometry, reshape } from '../shape/reshape.ts';
import { concatenate, flip, slice } from '../shape/slicing.ts';

interface RunningAttrs extends Readonly<Record<string, unknown>> {
  readonly axis: number;
  readonly reverse: boolean;
}

const cumSumPrimitive: Primitive<RunningAttrs> = primitive<RunningAttrs>({
  name: 'cumSum',
  differentiable: [0],
  shape: ([x]) => ({ dtype: x!.dtype === 'bool' ? 'int32' : x!.dtype, shape: x!.shape }),
  kernel: (out, [x], { axis, reverse }) => {
    const attrs = { ...reduceGeometry(x!.shape, axis, 1), reverse };
    return () => runningSum(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, _inputs, _out, { axis, reverse }) =>
    bind(cumSumPrimitive, [ct], { axis, reverse: !reverse }),
  batch: ([x], _batched, { axis, reverse }) =>
    batchedAs(bind(cumSumPrimitive, [x!], { axis: axis + 1, reverse })),
});

interface ExtremeAttrs extends RunningAttrs {
  readonly op: 'max' | 'min';
}

/** Where along the axis the extreme so far lies: x → int32 of x's shape */
const runningPrimitive: Primitive<ExtremeAttrs> = primitive<ExtremeAttrs>({
  name: 'runningExtreme',
  differentiable: [],
  shape: ([x]) => ({ dtype: 'int32', shape: x!.shape }),
  kernel: (out, [x], { op, axis, reverse }) => {
    const attrs = { ...reduceGeometry(x!.shape, axis, 1), reverse };
    return () => runningExtreme(op, out.data as Int32Array, x!.data, attrs);
  },
  batch: ([x], _batched, attrs) =>
    batchedAs(bind(runningPrimitive, [x!], { ...attrs, axis: attrs.axis + 1 })),
});

export interface CumulativeOptions {
  /** From the end of the axis to its beginning. Default false. */
  readonly reverse?: boolean;
}

export const cumulativeRules: Rules<CumulativeOptions> = { reverse: aBoolean };

type Cumulative = (x: Tensor, axis?: number, options?: CumulativeOptions) => Tensor;

/** Along an axis, or without one along all elements in row-major order, as NumPy has it. */
function cumulative(op: string, along: (x: Tensor, axis: number, reverse: boolean) => Tensor): Cumulative {
  const check = signature(op, { x: aTensor, 'axis?': anAxis }, cumulativeRules);
  return (x, axis, options = {}) => {
    check(x, axis, options);
    const { reverse = false } = options;
    return axis === undefined
      ? along(reshape(x, [x.size]), 0, reverse)
      : along(x, normalizeAxis(op, axis, x.rank), reverse);
  };
}

/** Sums of the elements so far along `axis` (of all, flattened, by default); of bool int32. [..n..] → [..n..] */
export const cumSum = cumulative('cumSum', (x, axis, reverse) =>
  bind(cumSumPrimitive, [x], { axis, reverse }),
);

/** Products of the elements so far along `axis` (of all, flattened, by default); the gradient is right at zeros too. */
export const cumProd = cumulative('cumProd', (x, axis, reverse) => {
  requireArithmetic('cumProd', x);
  return scan(mul, 1)(x, axis, reverse);
});

/** ln Σ exp of the elements so far along `axis` (of all, flattened, by default), without overflow. */
export const logCumSumExp = cumulative('logCumSumExp', (x, axis, reverse) => {
  requireFloat('logCumSumExp', x);
  return scan(logAddExp, Number.NEGATIVE_INFINITY)(x, axis, reverse);
});

/**
 * By an associative op with its neutral element: log₂ n rounds, each of which combines every element with the one 1, 2,
 * 4, … places before (Hillis and Steele, 1986). Its derivatives are those of the op, without any division.
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

/** The largest elements so far along `axis`, NaN from the first one on. Of equal ones the last has the slope. */
export const cumMax = cumulative('cumMax', extreme('max'));
/** The smallest elements so far along `axis`, NaN from the first one on. Of equal ones the last has the slope. */
export const cumMin = cumulative('cumMin', extreme('min'));

function extreme(op: 'max' | 'min') {
  return (x: Tensor, axis: number, reverse: boolean): Tensor =>
    takeAlongAxis(x, bind(runningPrimitive, [x], { op, axis, reverse }), axis);
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
