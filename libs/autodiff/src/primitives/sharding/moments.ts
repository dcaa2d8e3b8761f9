/**
 * Moments over the rows of one or all shards: count, mean and the centred sum of squares. exchange.ts says how shards
 * are combined.
 */

import { LockstepError, signature } from '@lockstep/errors';
import { formatShape, sizeOf } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, primitive, unbatchedAs } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { BatchAxis, Batched, Primitive } from '../../primitive.ts';
import type { Aval, Tensor } from '../../tensor.ts';
import { add, div, greater, mul, sub, where } from '../elementwise/fusible.ts';
import { requireFloat } from '../elementwise/rules.ts';
import { broadcastInAxes, repeatInFront, sum } from '../reduce/sum.ts';
import { concatenate } from '../shape/concatenate.ts';
import { reshape } from '../shape/reshape.ts';
import { slice } from '../shape/slicing.ts';
import { allReduceSum, exchange, outermostOnly } from './exchange.ts';

/**
 * Count, means and centred sums of squares, group by group: x [groups, rows, .., C], weights [groups, rows] →
 * [groups, 1 + 2C].
 */
const groupMomentsPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'groupMoments',
  differentiable: [0],
  shape: ([x, weights]) => {
    requireWeights(x!, weights!, 2);
    return { dtype: x!.dtype, shape: [x!.shape[0]!, 1 + 2 * x!.shape.at(-1)!] };
  },
  kernel: (out, [x, weights]) => {
    const [segments, rows] = x!.shape as [number, number];
    const attrs = { segments, rows, inner: sizeOf(x!.shape.slice(2, -1)), channels: x!.shape.at(-1)! };
    return (kernels) => kernels.moments(out.data, x!.data, weights!.data, attrs);
  },
  jvp: (t, _argument, [x, weights], out) => momentsTangent(t, x!, weights!, out, (partial) => partial),
  vjp: (ct, _argument, [x, weights], out) => momentsCotangent(ct, x!, weights!, out),
  batch: ([x, weights], [batchedX, batchedWeights], _attrs, { size }) => {
    const xs = batchedX ? x! : repeatInFront(x!, size);
    const ws = batchedWeights ? weights! : repeatInFront(weights!, size);
    const merge = (t: Tensor): Tensor => reshape(t, [t.shape[0]! * t.shape[1]!, ...t.shape.slice(2)]);
    const all = bind(groupMomentsPrimitive, [merge(xs), merge(ws)], {});
    return batchedAs(reshape(all, [size, all.shape[0]! / size, all.shape[1]!]));
  },
});

/**
 * Moments of whole batches, one batch a group, combined along the tree by the formula of Chan, Golub and LeVeque
 * (1979).
 */
const treeMomentsPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  ...outermostOnly('treeMoments'),
  name: 'treeMoments',
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape.slice(1) }),
  kernel: (out, [x]) => {
    const attrs = { segments: x!.shape[0]!, channels: (x!.shape[1]! - 1) / 2 };
    return (kernels) => kernels.treeMoments(out.data, x!.data, attrs);
  },
});

const shardMomentsPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'shardMoments',
  crosses: 'shards',
  differentiable: [0],
  shape: ([x, weights]) => {
    requireWeights(x!, weights!, 1);
    return { dtype: x!.dtype, shape: [1 + 2 * x!.shape.at(-1)!] };
  },
  kernel: (out, [x, weights]) => {
    const [rows] = x!.shape as [number];
    const attrs = { segments: 1, rows, inner: sizeOf(x!.shape.slice(1, -1)), channels: x!.shape.at(-1)! };
    return (kernels) => kernels.moments(out.data, x!.data, weights!.data, attrs);
  },
  jvp: (t, _argument, [x, weights], out) => {
    const one = momentsTangent(asGroup(t), asGroup(x!), asGroup(weights!), asGroup(out), allReduceSum);
    return reshape(one, out.shape);
  },
  vjp: (ct, _argument, [x, weights], out) => {
    const one = momentsCotangent(asGroup(allReduceSum(ct)), asGroup(x!), asGroup(weights!), asGroup(out));
    return reshape(one, x!.shape);
  },
  batch: ([x, weights], batched, _attrs, axis: BatchAxis): Batched => {
    const groups = [x!, weights!].map((t, i) => (batched[i] ? t : repeatInFront(t, axis.size)));
    const own = bind(groupMomentsPrimitive, groups, {});
    return axis.name === 'shard'
      ? unbatchedAs(exchange(bind(treeMomentsPrimitive, [own], {}), 'moments'))
      : batchedAs(own);
  },
});

const asGroup = (x: Tensor): Tensor => reshape(x, [1, ...x.shape]);

function requireWeights(x: Aval, weights: Aval, lead: number): void {
  const rows = formatShape(x.shape.slice(0, lead));
  requireFloat('moments', x);
  if (x.dtype !== weights.dtype) {
    throw new LockstepError(
      'dtype',
      `moments: element types differ: ${x.dtype} and weights of ${weights.dtype}; convert one with .cast('${x.dtype}')`,
      { op: 'moments', dtypes: [x.dtype, weights.dtype] },
    );
  }
  if (x.shape.length < lead + 1 || formatShape(weights.shape) !== rows) {
    throw new LockstepError(
      'shape',
      `moments: the weights ${formatShape(weights.shape)} must have one value for each row ${rows} of ${formatShape(x.shape)}`,
      { op: 'moments', x: x.shape, weights: weights.shape },
    );
  }
}

interface Moments {
  /** [groups, 1] */
  readonly count: Tensor;
  /** [groups, C] */
  readonly mean: Tensor;
  /** Centred sums of squares. [groups, C] */
  readonly m2: Tensor;
}

function splitMoments(packed: Tensor): Moments {
  const channels = (packed.shape[1]! - 1) / 2;
  const part = (from: number, to: number): Tensor => slice(packed, [0, from], [packed.shape[0]!, to]);
  return { count: part(0, 1), mean: part(1, 1 + channels), m2: part(1 + channels, 1 + 2 * channels) };
}

/** One value for each group and channel, [groups, C], repeated over the rows of x. */
const overRows = (value: Tensor, x: Tensor): Tensor => broadcastInAxes(value, x.shape, [0, x.rank - 1]);

const overElements = (weights: Tensor, x: Tensor): Tensor => broadcastInAxes(weights, x.shape, [0, 1]);

const rowAxes = (x: Tensor): number[] => Array.from({ length: x.rank - 2 }, (_, i) => i + 1);

/** ∂mean/∂x = w/n and ∂M2/∂x = 2w(x − mean); the term through the mean vanishes, since Σ w(x − mean) = 0. */
function momentsTangent(
  t: Tensor,
  x: Tensor,
  weights: Tensor,
  out: Tensor,
  reduce: (partial: Tensor) => Tensor,
): Tensor {
  const { count, mean } = splitMoments(out);
  const weighted = mul(t, overElements(weights, x));
  const sums = reduce(
    concatenate([sum(weighted, rowAxes(x)), sum(mul(weighted, sub(x, overRows(mean, x))), rowAxes(x))], 1),
  );
  const channels = mean.shape[1]!;
  const groups = x.shape[0]!;
  const meanTangent = div(slice(sums, [0, 0], [groups, channels]), orOne(count));
  const m2Tangent = mul(slice(sums, [0, channels], [groups, 2 * channels]), 2);
  return concatenate([mul(count, 0), meanTangent, m2Tangent], 1);
}

/** A group without weight has slope 0, not NaN. */
const orOne = (count: Tensor): Tensor => where(greater(count, 0), count, 1);

function momentsCotangent(ct: Tensor, x: Tensor, weights: Tensor, out: Tensor): Tensor {
  const { count, mean } = splitMoments(out);
  const { mean: ctMean, m2: ctM2 } = splitMoments(ct);
  const slope = mul(overRows(mul(ctM2, 2), x), sub(x, overRows(mean, x)));
  return mul(add(overRows(div(ctMean, orOne(count)), x), slope), overElements(weights, x));
}

export interface ShardMoments {
  /** The sum of the weights, times the number of elements that a row has in each channel. [] */
  readonly count: Tensor;
  /** [C] */
  readonly mean: Tensor;
  /** The sum of squared deviations from the mean; divide it by the count for the (biased) variance. [C] */
  readonly m2: Tensor;
}

const checkShardMoments = signature('shardMoments', { x: aTensor, weights: aTensor });

/**
 * Moments over all rows of the step, whichever shards hold them: x [rows, .., C], weights [rows] (0 for rows that only
 * fill up a shard). Differentiable with respect to x; the weights count as constants.
 */
export function shardMoments(x: Tensor, weights: Tensor): ShardMoments {
  checkShardMoments(x, weights);
  return named(bind(shardMomentsPrimitive, [x, weights], {}));
}

const checkLocalMoments = signature('localMoments', { x: aTensor, weights: aTensor });

/**
 * Moments over the given rows only: under the trainer, those of one shard. Nothing is exchanged; otherwise like {@link
 * shardMoments}. A shard without weight has count, mean and sum 0.
 */
export function localMoments(x: Tensor, weights: Tensor): ShardMoments {
  checkLocalMoments(x, weights);
  const packed = bind(groupMomentsPrimitive, [asGroup(x), asGroup(weights)], {});
  return named(reshape(packed, packed.shape.slice(1)));
}

/** The moments [1 + 2C] by name. */
function named(packed: Tensor): ShardMoments {
  const channels = (packed.shape[0]! - 1) / 2;
  return {
    count: reshape(slice(packed, [0], [1]), []),
    mean: slice(packed, [1], [1 + channels]),
    m2: slice(packed, [1 + channels], [1 + 2 * channels]),
  };
}
