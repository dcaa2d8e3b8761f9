/** max, min and argmax over axes; mean and log-sum-exp by composition. */
import { LockstepError } from '@lockstep/errors';
import { formatShape, normalizeAxes, normalizeAxis } from '@lockstep/tensor';
import { type Aval, bind, type Primitive, type Tensor } from '../core.ts';
import { batchedAs, primitive } from '../define.ts';
import { add, cast, div, equal, exp, log, mul, stopGradient, sub } from './elementwise.ts';
import {
  broadcastInAxes,
  type ReduceOptions,
  reduceGeometry,
  reduceRuns,
  reshape,
  restoreAxes,
  sum,
  without,
} from './structural.ts';

interface RunAttrs extends Readonly<Record<string, unknown>> {
  readonly axis: number;
  readonly count: number;
}

/** max or min; where several elements tie, each gets an equal share of the gradient. */
function extremum(name: 'max' | 'min') {
  /** For each element, the part of the result's change that it carries. */
  const shares = (x: Tensor, y: Tensor, { axis, count }: RunAttrs): Tensor => {
    const chosen = cast(equal(x, spread(y, x, axis, count)), x.dtype);
    return div(chosen, spread(sumRun(chosen, axis, count), x, axis, count));
  };
  const self: Primitive<RunAttrs> = primitive({
    name: `reduce${name === 'max' ? 'Max' : 'Min'}`,
    differentiable: [0],
    shape: ([x], { axis, count }) => {
      requireSome(name, x!, axis, count);
      return { dtype: x!.dtype, shape: without(x!.shape, axis, count) };
    },
    kernel: (out, [x], { axis, count }) => {
      const attrs = reduceGeometry(x!.shape, axis, count);
      return (kernels) => kernels.reduce(name, out.data, x!.data, attrs);
    },
    jvp: (t, _argument, [x], y, attrs) => sumRun(mul(t, shares(x!, y, attrs)), attrs.axis, attrs.count),
    vjp: (ct, _argument, [x], y, attrs) => mul(spread(ct, x!, attrs.axis, attrs.count), shares(x!, y, attrs)),
    batch: ([x], _batched, { axis, count }) => batchedAs(bind(self, [x!], { axis: axis + 1, count })),
  });
  return (x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor => {
    const list = normalizeAxes(name, axes, x.rank);
    return restoreAxes(
      reduceRuns(x, list, (y, axis, count) => bind(self, [y], { axis, count })),
      x,
      list,
      options,
    );
  };
}

function requireSome(op: string, { shape }: Aval, axis: number, count: number): void {
  if (!shape.slice(axis, axis + count).includes(0)) return;
  throw new LockstepError(
    'shape',
    `${op}: axis ${axis} of ${formatShape(shape)} is empty, and nothing has no extremum; guard against empty arrays`,
    { op, shape },
  );
}

const runAxes = (axis: number, count: number): number[] => Array.from({ length: count }, (_, i) => axis + i);

const sumRun = (x: Tensor, axis: number, count: number): Tensor => sum(x, runAxes(axis, count));

/** y, which lacks `count` axes from `axis` on, repeated along them to x's shape. */
function spread(y: Tensor, x: Tensor, axis: number, count: number): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => i < axis || i >= axis + count);
  return broadcastInAxes(y, x.shape, kept);
}

/** The largest element over `axes` (all by default), NaN if there is one. */
export const max = extremum('max');
/** The smallest element over `axes` (all by default), NaN if there is one. */
export const min = extremum('min');

const argmaxPrimitive: Primitive<{ axis: number }> = primitive({
  name: 'argmax',
  differentiable: [],
  shape: ([x], { axis }) => {
    requireSome('argmax', x!, axis, 1);
    return { dtype: 'int32', shape: without(x!.shape, axis, 1) };
  },
  kernel: (out, [x], { axis }) => {
    const attrs = reduceGeometry(x!.shape, axis, 1);
    return (kernels) => kernels.argmax(out.data as Int32Array, x!.data, attrs);
  },
  batch: ([x], _batched, { axis }) => batchedAs(bind(argmaxPrimitive, [x!], { axis: axis + 1 })),
});

/** Index of the first largest element along `axis`. int32 */
export function argmax(x: Tensor, axis = -1): Tensor {
  return bind(argmaxPrimitive, [x], { axis: normalizeAxis('argmax', axis, x.rank) });
}

/** The sum divided by the number of elements. */
export function mean(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const list = normalizeAxes('mean', axes, x.rank);
  const count = list.reduce((product, axis) => product * x.shape[axis]!, 1);
  return mul(sum(x, list, options), 1 / count);
}

/** log Σ exp(x) over `axis`, shifted by the maximum so that nothing overflows. */
export function logSumExp(x: Tensor, axis = -1, options: ReduceOptions = {}): Tensor {
  const shift = stopGradient(max(x, axis, { keepDims: true }));
  const result = add(log(sum(exp(sub(x, shift)), axis, { keepDims: true })), shift);
  return options.keepDims
    ? result
    : reshape(result, without(x.shape, normalizeAxis('logSumExp', axis, x.rank), 1));
}

/** x − log Σ exp(x) over `axis`. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const shifted = sub(x, stopGradient(max(x, axis, { keepDims: true })));
  return sub(shifted, log(sum(exp(shifted), axis, { keepDims: true })));
}

/** exp(x) / Σ exp(x) over `axis`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const weights = exp(sub(x, stopGradient(max(x, axis, { keepDims: true }))));
  return div(weights, sum(weights, axis, { keepDims: true }));
}
