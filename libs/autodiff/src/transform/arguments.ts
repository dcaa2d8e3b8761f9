/** What the transformations share: arguments as trees of tensors. */
import { LockstepError } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import { flatten, type Structure } from '@lockstep/tree';
import { tensor } from '../convert.ts';
import { type Primitive, Tensor } from '../core.ts';

export function differentiableBy(primitive: Primitive, argument: number): boolean {
  return primitive.differentiable === 'all' || primitive.differentiable.includes(argument);
}

/** The leaves of an argument as tensors; numbers become float64 scalars. */
export function toTensors(op: string, argument: unknown): { leaves: Tensor[]; structure: Structure } {
  const { leaves, structure } = flatten(argument as never);
  return { leaves: (leaves as unknown[]).map((leaf) => toTensor(op, leaf)), structure };
}

function toTensor(op: string, leaf: unknown): Tensor {
  if (leaf instanceof Tensor) return leaf;
  if (typeof leaf === 'number') return tensor(leaf);
  if (ArrayBuffer.isView(leaf)) return tensor(leaf as Float32Array);
  throw new LockstepError(
    'argument',
    `${op}: an argument holds a ${leaf === null ? 'null' : typeof leaf}; arguments are tensors, numbers and containers of them`,
    { op },
  );
}

export function requireFloats(op: string, leaves: readonly Tensor[]): void {
  for (const leaf of leaves) {
    if (!isFloat(leaf.dtype)) {
      throw new LockstepError(
        'dtype',
        `${op}: cannot differentiate with respect to ${leaf.dtype}${JSON.stringify(leaf.shape)}; only float32 and float64 have derivatives`,
        { op, dtype: leaf.dtype },
      );
    }
  }
}
