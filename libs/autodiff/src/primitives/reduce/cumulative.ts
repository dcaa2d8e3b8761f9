/** Running sums and extremes along an axis. */

import { aBoolean, type Rules, signature } from '@lockstep/errors';
import { runningExtreme, runningSum } from '@lockstep/kernels';
import { normalizeAxis } from '@lockstep/tensor';
import { takeAlongAxis } from '../../compositions/shape/taking.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { reshape } from '../shape/reshape.ts';
import { reduceGeometry } from './sum.ts';

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

/** The index along the axis of the extreme so far: x → int32 of x's shape */
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
  /** Accumulate from the end of the axis to its beginning. Default false. */
  readonly reverse?: boolean;
}

export const cumulativeRules: Rules<CumulativeOptions> = { reverse: aBoolean };

type Cumulative = (x: Tensor, axis?: number, options?: CumulativeOptions) => Tensor;

/** A cumulative op along an axis; without an axis it takes all elements in row-major order, as in NumPy. */
export function cumulative(
  op: string,
  along: (x: Tensor, axis: number, reverse: boolean) => Tensor,
): Cumulative {
  const check = signature(op, { x: aTensor, 'axis?': anAxis }, cumulativeRules);
  return (x, axis, options = {}) => {
    check(x, axis, options);
    const { reverse = false } = options;
    return axis === undefined
      ? along(reshape(x, [x.size]), 0, reverse)
      : along(x, normalizeAxis(op, axis, x.rank), reverse);
  };
}

/**
 * Sums of the elements so far along `axis` (of all, flattened, by default). Sums of bool are int32. [..n..] → [..n..]
 */
export const cumSum = cumulative('cumSum', (x, axis, reverse) =>
  bind(cumSumPrimitive, [x], { axis, reverse }),
);

/**
 * The largest elements so far along `axis`; NaN from the first NaN on. Among equal elements the last one gets the
 * gradient.
 */
export const cumMax = cumulative('cumMax', extreme('max'));

/**
 * The smallest elements so far along `axis`; NaN from the first NaN on. Among equal elements the last one gets the
 * gradient.
 */
export const cumMin = cumulative('cumMin', extreme('min'));

function extreme(op: 'max' | 'min') {
  return (x: Tensor, axis: number, reverse: boolean): Tensor =>
    takeAlongAxis(x, bind(runningPrimitive, [x], { op, axis, reverse }), axis);
}
