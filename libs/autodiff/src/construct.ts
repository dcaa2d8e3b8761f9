/**
 * The type of constructs: control flow, rematerialisation and custom derivatives. A primitive has one result and rules
 * for one argument at a time; a construct has several results, and its rules take all arguments at once.
 */

import type { Storage } from '@lockstep/tensor';
import type { Attrs, BatchAxis, Batched, BoundKernel } from './primitive.ts';
import type { Bodies } from './program/program.ts';
import type { Aval, Tensor } from './tensor.ts';

/** An operation made of functions. Within a program these functions are programs. */
export interface Construct<A extends Attrs = Attrs> {
  readonly name: string;
  shape(inputs: readonly Aval[], attrs: A): readonly Aval[];
  /** Runs the construct at once, on concrete inputs. */
  evaluate(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
  /** A tangent of undefined, given or returned, means that the value does not move. */
  jvp(inputs: readonly Tensor[], tangents: readonly MaybeTensor[], attrs: A): Moved;
  /** `wanted` tells of which inputs the cotangents are wanted. */
  vjp(inputs: readonly Tensor[], wanted: readonly boolean[], attrs: A): Pulled;
  batch(
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    attrs: A,
    axis: BatchAxis,
  ): readonly Batched[];
  /**
   * How the construct enters a program. The default calls `enter` once and makes one equation of these inputs and
   * attrs. The attrs given to `enter` must be plain data and hold the functions as {@link Bodies}.
   */
  readonly record?: (inputs: readonly Tensor[], attrs: A, enter: Enter) => readonly Tensor[];
  /**
   * The construct only defines the derivative of its first body. A planned program therefore runs the first body in its
   * place.
   */
  readonly isCall?: boolean;
  /**
   * The equations that replace the construct in a planned program. They are made after all derivatives have been taken.
   */
  readonly composed?: {
    lower(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
    /** The number of operations, given those of the bodies. */
    flops(bodies: readonly number[], attrs: A): number;
  };
  /** How the construct runs within a planned program, unless it is a call or composed. */
  readonly planned?: PlannedConstruct<A>;
  /** The equation without whatever only unneeded outputs need: the inputs, outputs and attrs that remain. */
  readonly prune?: (attrs: A, needed: readonly boolean[]) => Pruned | undefined;
}

export interface PlannedConstruct<A extends Attrs = Attrs> {
  /** The values that the construct keeps while it runs, beside those that its bodies keep. */
  temporaries(attrs: A): readonly Aval[];
  /** At most one body has values to keep at any time, so all bodies share one place for them. */
  readonly oneBodyAtATime?: boolean;
  /** Binds the construct to its buffers; outputs do not overlap inputs. */
  kernel(
    outs: readonly Storage[],
    inputs: readonly Storage[],
    attrs: A,
    work: { readonly temporaries: readonly Storage[]; readonly bodies: readonly BindBody[] },
  ): BoundKernel;
  /** The number of operations, given those of the bodies. */
  flops(bodies: readonly number[], attrs: A): number;
}

/** Binds a body to its inputs and outputs, which must not overlap. */
export type BindBody = (inputs: readonly Storage[], outs: readonly Storage[]) => BoundBody;

export interface BoundBody {
  /**
   * Puts the body's constants in place. It runs once before the body's first run, each time that the construct runs.
   */
  readonly prepare: BoundKernel;
  readonly run: BoundKernel;
}

export type MaybeTensor = Tensor | undefined;

export type Enter = (inputs: readonly Tensor[], attrs: Bodies) => readonly Tensor[];

/** Values and their tangents. */
export interface Moved {
  readonly outs: readonly Tensor[];
  readonly tangents: readonly MaybeTensor[];
}

/** Values, and the function from their cotangents to those of the inputs; undefined stands for zeros. */
export interface Pulled {
  readonly outs: readonly Tensor[];
  readonly pull: (cotangents: readonly MaybeTensor[]) => readonly MaybeTensor[];
}

/** Indices into the former inputs and outputs. */
export interface Pruned {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attrs: Bodies;
}
