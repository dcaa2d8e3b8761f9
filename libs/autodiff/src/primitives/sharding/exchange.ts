/**
 * Reductions over shards. Under `vmap` with the axis name 'shard' they combine the shards of a block along the fixed
 * tree and leave an `exchange` in the program: the place where the partial results of the other blocks come in. Outside
 * of that `vmap` there is one shard and nothing to exchange. The differentiated scalar is the sum over all shards, so
 * the cotangent of a reduced value is itself all-reduced.
 */

import { LockstepError, signature } from '@lockstep/errors';
import { bind } from '../../core.ts';
import { batchedAs, copyKernel, primitive, unbatchedAs } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { BucketOp } from '../../program/planned.ts';
import type { Tensor } from '../../tensor.ts';
import { treeSum } from '../linear-algebra/matmul.ts';
import { repeatInFront } from '../reduce/sum.ts';

/**
 * The rules of ops that combine blocks. Such an op knows one shard axis, around everything else: a rule inside that
 * axis would miss the other blocks.
 */
export function outermostOnly(op: string): Pick<Primitive, 'differentiable' | 'jvp' | 'vjp' | 'batch'> {
  const refuse = (): never => {
    throw new LockstepError(
      'trace',
      `${op}: the axis over shards must be outermost; transform the function inside overShards, not around it`,
      { op },
    );
  };
  return { differentiable: 'all', jvp: refuse, vjp: refuse, batch: refuse };
}

/**
 * The end of a segment: the input is the partial result of a block, the output the result of the whole step. Where one
 * block holds all shards it is the identity.
 */
export const exchangePrimitive: Primitive<{ combine: BucketOp }> = primitive({
  ...outermostOnly('exchange'),
  name: 'exchange',
  crosses: 'blocks',
  alias: true,
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: copyKernel,
});

export const exchange = (partial: Tensor, combine: BucketOp): Tensor =>
  bind(exchangePrimitive, [partial], { combine });

const allReduceSumPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'allReduceSum',
  crosses: 'shards',
  differentiable: [0],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  alias: true,
  kernel: copyKernel,
  linear: true,
  vjp: (ct) => allReduceSum(ct),
  batch: ([x], [batched], _attrs, axis) => {
    if (axis.name !== 'shard') return batchedAs(allReduceSum(x!));
    return unbatchedAs(exchange(treeSum(batched ? x! : repeatInFront(x!, axis.size)), 'sum'));
  },
});

const checkAllReduceSum = signature('allReduceSum', { x: aTensor });

/** The sum over all shards of the step, the same on every shard. */
export function allReduceSum(x: Tensor): Tensor {
  checkAllReduceSum(x);
  return bind(allReduceSumPrimitive, [x], {});
}
