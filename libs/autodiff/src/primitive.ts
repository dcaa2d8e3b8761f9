/** The type of primitives: one entry of the table, with its rules. */

import type { Kernels, Operand } from '@lockstep/kernels';
import type { Storage } from '@lockstep/tensor';
import type { Aval, Tensor } from './tensor.ts';

/** Plain data fixed at trace time: axes, window sizes, target shapes. (`params` means model weights.) */
export type Attrs = Readonly<Record<string, unknown>>;

/** Work on planned buffers. The geometry is computed once, when a kernel is bound, and never during a replay. */
export type BoundKernel = (kernels: Kernels) => void;

/**
 * One entry of the primitive table. Rules are written with the public ops, so derivatives of any order and any nesting
 * of transformations work.
 */
export interface Primitive<A extends Attrs = Attrs> {
  readonly name: string;
  /**
   * The shape rule checks the inputs and gives the output's type. Its errors name the rule, what was given and the
   * remedy.
   */
  shape(inputs: readonly Aval[], attrs: A): Aval;
  /** Binds the kernel to its buffers. */
  kernel(out: Storage, inputs: readonly Storage[], attrs: A): BoundKernel;
  /** For elementwise primitives: a kernel that reads broadcast operands in place. */
  readonly elementwise?: (out: Storage, operands: readonly Operand[], attrs: A) => BoundKernel;
  /** The fused kernel has an op of this name and takes it where the inputs are float32 (bool for conditions). */
  readonly fusible?: boolean;
  /**
   * What the primitive computes, in terms of other ops, where its input is float32. A planned program runs these ops in
   * its place, so fused chains include them; the bits are those of its kernel.
   */
  readonly composed?: (x: Tensor) => Tensor;
  /**
   * Linear in each differentiable argument: the jvp is the primitive itself, with the argument replaced by its tangent.
   */
  readonly linear?: boolean;
  /**
   * The contribution of one argument's tangent to the output's tangent. Absent: no derivative with respect to this
   * argument.
   */
  readonly jvp?: (
    tangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /**
   * The output's tangent from the tangents of all arguments (undefined for an argument that does not move). Needed
   * where a sum of contributions has other bits: in an output that is put together from parts, adding zeros would lose
   * the sign of a zero.
   */
  readonly jvpTogether?: (
    tangents: readonly (Tensor | undefined)[],
    inputs: readonly Tensor[],
    attrs: A,
  ) => Tensor;
  /** The cotangent of one argument. Absent: no derivative with respect to this argument. */
  readonly vjp?: (
    cotangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    out: Tensor,
    attrs: A,
  ) => Tensor;
  /** The arguments with respect to which it may be differentiated; the others count as constants. */
  readonly differentiable: readonly number[] | 'all';
  /** The batching rule: batched inputs carry the new axis in front, and so does a batched result. */
  batch(inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, axis: BatchAxis): Batched;
  /** The output shares the elements of its input (reshape): nothing is computed. */
  readonly alias?: boolean;
  /**
   * A program that is being traced records it even where no input is traced: a number that is repeated in a program
   * takes no memory.
   */
  readonly staged?: boolean;
  /** The kernel may write its output over an input of the same size and type. */
  readonly inPlace?: boolean;
  /**
   * The result depends on more than the inputs: on the other shards of a block, or on the other blocks of a step. The
   * interpreter for shards or blocks processes it even when no input is traced.
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
