/** Types and constructors for the table of lowerings, which map a primitive to operators of ONNX. */
import type { Attrs } from '@lockstep/autodiff';
import type { DType } from '@lockstep/tensor';
import { elementTypes } from './element-types.ts';
import type { Graph } from './graph.ts';
import type { SymbolicProgram, Variable } from './symbolic.ts';
import { aligned, reordered, type View, whole } from './views.ts';

export interface Lowered {
  readonly graph: Graph;
  readonly inputs: readonly View[];
  readonly attrs: Attrs;
  readonly out: Variable;
}

/** The equation of an operation with several results. */
export interface LoweredConstruct extends Omit<Lowered, 'out'> {
  readonly outs: readonly Variable[];
  /** Appends the operators of a body for the given inputs. */
  readonly lowerBody: (body: SymbolicProgram, inputs: readonly View[], graph: Graph) => readonly View[];
}

export type ConstructLowering = (equation: LoweredConstruct) => readonly View[];

/** Appends operators to the graph and returns the view of the result. */
export type Lowering = (equation: Lowered) => View;

/** Appends operators on whole tensors and returns the name of the result. */
export type Emit = (graph: Graph, tensors: readonly string[], equation: Lowered) => string;

/** One operator with the inputs of the primitive. */
export const operator =
  (op: string): Emit =>
  (graph, tensors) =>
    graph.node(op, tensors);

/** An elementwise operator that broadcasts its operands by NumPy's rule. */
export function elementwise(emit: Emit | string): Lowering {
  const make = typeof emit === 'string' ? operator(emit) : emit;
  return (equation) => {
    const { graph, inputs, out } = equation;
    const { tensors, axes } = aligned(graph, inputs);
    return { tensor: make(graph, tensors, equation), dtype: out.dtype, shape: out.shape, axes };
  };
}

/** An operator on booleans for inputs of any type; a value other than 0 is true. */
export const logical = (op: string): Lowering =>
  elementwise((graph, tensors, { inputs, out }) => {
    const truths = tensors.map((tensor, i) => castTo(graph, tensor, inputs[i]!.dtype, 'bool'));
    return castTo(graph, graph.node(op, truths), 'bool', out.dtype);
  });

export function castTo(graph: Graph, tensor: string, from: DType | 'int64', to: DType): string {
  return from === to ? tensor : graph.node('Cast', [tensor], { to: elementTypes[to] });
}

/** The identity. */
export const same: Lowering = ({ inputs: [x] }) => x!;

export interface Run {
  readonly axis: number;
  readonly count: number;
}

/**
 * Reduces over `count` axes from `axis` on. `emit` gets the axes of the stored tensor; the order of the other axes in
 * the tensor stays.
 */
export function reduction(
  emit: (graph: Graph, tensor: string, axes: readonly number[]) => string,
  run: (attrs: Attrs) => Run = (attrs) => attrs as unknown as Run,
): Lowering {
  return ({ graph, inputs: [x], attrs, out }) => {
    const { axis, count } = run(attrs);
    const inRun = (i: number): boolean => i >= axis && i < axis + count;
    const repeats = x!.axes.some((own, i) => inRun(i) && own === null);
    const view = repeats ? { ...x!, tensor: whole(graph, x!), axes: x!.axes.map((_, i) => i) } : x!;
    const gone = view.axes.filter((own, i) => inRun(i) && own !== null) as number[];
    const axes = view.axes
      .filter((_, i) => !inRun(i))
      .map((own) => own && own - gone.filter((other) => other < own).length);
    const tensor = emit(
      graph,
      view.tensor,
      gone.toSorted((a, b) => a - b),
    );
    return { tensor, dtype: out.dtype, shape: out.shape, axes };
  };
}

/**
 * A matrix, or a batch of matrices, for MatMul. `mayDropBatch` permits to leave out a batch axis along which it
 * repeats.
 */
export function matrixOf(graph: Graph, view: View, transposed: boolean, mayDropBatch: boolean): string {
  const rank = view.shape.length;
  const order = rank === 3 ? [0, 2, 1] : [1, 0];
  const turned = transposed ? reordered(view, order) : view;
  if (rank === 2 || !mayDropBatch || turned.axes[0] !== null) return whole(graph, turned);
  return whole(graph, { ...turned, shape: turned.shape.slice(1), axes: turned.axes.slice(1) });
}

/** The axes that an operation changes, with their positions in the stored tensor. */
export function changedAxes(x: View, change: (axis: number) => boolean): { axis: number; stored: number }[] {
  return x.axes.flatMap((stored, axis) => (stored === null || !change(axis) ? [] : [{ axis, stored }]));
}
