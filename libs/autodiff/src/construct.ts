/**
 * What a construct is: control flow, rematerialisation, a derivative of one's own. Where a primitive has one result and
 * rules for one argument at a time, a construct has several, and rules that speak of all of them at once.
 */

import type { Storage } from '@lockstep/tensor';
import type { Attrs, BatchAxis, Batched, BoundKernel } from './primitive.ts';
import type { Bodies } from './program/program.ts';
import type { Aval, Tensor } from './tensor.ts';

/** An operation made of functions. Within a program these are programs themselves. */
export interface Construct<A extends Attrs = Attrs> {
  readonly name: string;
  shape(inputs: readonly Aval[], attrs: A): readonly Aval[];
  /** Runs it at once, on concrete inputs. */
  evaluate(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
  /** Undefined stands for what does not move, among the given tangents and the returned ones. */
  jvp(inputs: readonly Tensor[], tangents: readonly MaybeTensor[], attrs: A): Moved;
  /** `wanted`: of which inputs the cotangents are asked for. */
  vjp(inputs: readonly Tensor[], wanted: readonly boolean[], attrs: A): Pulled;
  batch(
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    attrs: A,
    axis: BatchAxis,
  ): readonly Batched[];
  /**
   * How it enters a program: by default through `enter`, as one equation with these inputs and attrs, which must be plain
   * data and hold their functions as {@link Bodies}.
   */
  readonly record?: (inputs: readonly Tensor[], attrs: A, enter: Enter) => readonly Tensor[];
  /** It only says how to differentiate its first body, which therefore takes its place in a planned program. */
  readonly isCall?: boolean;
  /** What stands for it in a planned program: other equations, made when all derivatives have been taken. */
  readonly composed?: {
    lower(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
    /** Operations, from those of its bodies. */
    flops(bodies: readonly number[], attrs: A): number;
  };
  /** How it runs within a planned program, unless it is a call or composed. */
  readonly planned?: PlannedConstruct<A>;
  /** The equation without what only unneeded outputs need: what remains of inputs, outputs and attrs. */
  readonly prune?: (attrs: A, needed: readonly boolean[]) => Pruned | undefined;
}

export interface PlannedConstruct<A extends Attrs = Attrs> {
  /** What it keeps while it runs, beside what its bodies keep. */
  temporaries(attrs: A): readonly Aval[];
  /** One body at most has something to keep at any time, so that all do it in one place. */
  readonly oneBodyAtATime?: boolean;
  /** Binds it to its buffers; outputs do not overlap inputs. */
  kernel(
    outs: readonly Storage[],
    inputs: readonly Storage[],
    attrs: A,
    work: { readonly temporaries: readonly Storage[]; readonly bodies: readonly BindBody[] },
  ): BoundKernel;
  /** Operations, from those of its bodies. */
  flops(bodies: readonly number[], attrs: A): number;
}

/** Binds a body to its inputs and outputs, which must not overlap. */
export type BindBody = (inputs: readonly Storage[], outs: readonly Storage[]) => BoundBody;

export interface BoundBody {
  /** Puts the body's constants in place: before its first run each time that the construct runs. */
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

/** Values, and what maps their cotangents to those of the inputs; undefined stands for zeros. */
export interface Pulled {
  readonly outs: readonly Tensor[];
  readonly pull: (cotangents: readonly MaybeTensor[]) => readonly MaybeTensor[];
}

/** Places among the former inputs and outputs. */
export interface Pruned {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attrs: Bodies;
}
