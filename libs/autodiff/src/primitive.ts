/** What a primitive is: one entry of the table, with its rules. */

import type { Kernels, Operand } from '@lockstep/kernels';
import type { Storage } from '@lockstep/tensor';
import type { Aval, Tensor } from './tensor.ts';

/** Plain data fixed at trace time: axes, window sizes, target shapes. (`params` means model weights.) */
export type Attrs = Readonly<Record<string, unknown>>;

/** Work on planned buffers: geometry is computed once, when a kernel is bound, and never during a replay. */
export type BoundKernel = (kernels: Kernels) => void;

/**
 * One entry of the primitive table. Rules are written with the public ops, so that derivatives of any order and any
 * nesting of transformations work.
 */
export interface Primitive<A extends Attrs = Attrs> {
  readonly name: string;
  /** The shape rule: checks the inputs, gives the output; errors name the rule, what came and the remedy. */
  shape(inputs: readonly Aval[], attrs: A): Aval;
  /** Binds the kernel to its buffers. */
  kernel(out: Storage, inputs: readonly Storage[], attrs: A): BoundKernel;
  /** For elementwise primitives: a kernel that reads broadcast operands in place. */
  readonly elementwise?: (out: Storage, operands: readonly Operand[], attrs: A) => BoundKernel;
  /** Its name is an op of the fused kernel, which takes it where its inputs are float32 (bool for conditions). */
  readonly fusible?: boolean;
  /**
   * What it computes in other ops where its input is float32: a planned program runs these in its place, so that fused
   * chains take them along, with the bits of its kernel.
   */
  readonly composed?: (x: Tensor) => Tensor;
  /** Linear in each differentiable argument: its jvp is itself, with the argument replaced by its tangent. */
  readonly linear?: boolean;
  /** The contribution of one argument's tangent to the output's tangent. Absent: no derivative by this argument. */
  readonly jvp?: (
    tangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /**
   * The output's tangent from those of all arguments (undefined for what does not move), where a sum of contributions
   * would not be its bits: what is put together from parts loses the sign of a zero to the zeros around it.
   */
  readonly jvpTogether?: (
    tangents: readonly (Tensor | undefined)[],
    inputs: readonly Tensor[],
    attrs: A,
  ) => Tensor;
  /** The cotangent of one argument. Absent: no derivative by this argument. */
  readonly vjp?: (
    cotangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /** The arguments it may be differentiated by; the others count as constants. */
  readonly differentiable: readonly number[] | 'all';
  /** The batching rule: batched inputs carry the new axis in front, and so does a batched result. */
  batch(inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, axis: BatchAxis): Batched;
  /** The output shares its input's elements (reshape): nothing is computed. */
  readonly alias?: boolean;
  /** Recorded by a program under way even where no input is traced: a number repeated there takes no memory. */
  readonly staged?: boolean;
  /** The kernel may write its output over an input of the same size and type. */
  readonly inPlace?: boolean;
  /**
   * Its result depends on more than its inputs: on the other shards of a block, or on the other blocks of a step. The
   * interpreter that stands for these gets it even when no input is traced.
   */
  readonly crosses?: 'shards' | 'blocks';
}

export interface BatchAxis {
  readonly size: number;
  /** 'shard' for the axis over the shards of a block; undefined for an ordinary `vmap`. */
  readonly name: string | undefined;
}

export interface Batched {
  readonly value: Tensor;
  readonly batched: boolean;
}
