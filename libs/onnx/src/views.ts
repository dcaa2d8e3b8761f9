/**
 * Values of a program as tensors of a graph, with their axes in whatever order and their repetitions left out. So
 * transposes that cancel cost nothing, and an elementwise operator stretches its operands itself.
 */
import type { DType } from '@lockstep/tensor';
import type { Graph } from './graph.ts';
import { type Length, sameLength } from './lengths.ts';

export interface View {
  readonly tensor: string;
  readonly dtype: DType;
  readonly shape: readonly Length[];
  /** The axis of the tensor that each axis is; `null` where the value repeats along it. Every one is used once. */
  readonly axes: readonly (number | null)[];
}

/** A value whose tensor is laid out as it is. */
export function plainView(tensor: string, dtype: DType, shape: readonly Length[]): View {
  return { tensor, dtype, shape, axes: shape.map((_, axis) => axis) };
}

/** A value whose tensor has its axes in another order: tensor axis `i` is axis `order[i]`. */
export function orderedView(
  tensor: string,
  dtype: DType,
  shape: readonly Length[],
  order: readonly number[],
): View {
  return { tensor, dtype, shape, axes: shape.map((_, axis) => order.indexOf(axis)) };
}

/** Axis `i` of the result is axis `order[i]`. */
export function reordered(view: View, order: readonly number[]): View {
  return {
    ...view,
    shape: order.map((axis) => view.shape[axis]!),
    axes: order.map((axis) => view.axes[axis]!),
  };
}

/** Axis `i` becomes axis `axes[i]` of `shape`; the value repeats along the others. */
export function repeated(view: View, shape: readonly Length[], axes: readonly number[]): View {
  const own = (axis: number): number | null => {
    const from = axes.indexOf(axis);
    return from < 0 ? null : view.axes[from]!;
  };
  return { ...view, shape, axes: shape.map((_, axis) => own(axis)) };
}

/** The tensor with its axes in the given order, of length 1 where the value repeats. */
export function laidOut(graph: Graph, { tensor, axes }: View, order: readonly number[]): string {
  const present = order.flatMap((axis) => axes[axis] ?? []);
  const missing = order.flatMap((axis, position) => (axes[axis] === null ? [position] : []));
  return graph.unsqueeze(graph.transpose(tensor, present), missing);
}

/** As `laidOut`, written out along the axes of repetition too. */
export function arranged(graph: Graph, view: View, order: readonly number[]): string {
  const tensor = laidOut(graph, view, order);
  const repeats = order.some((axis) => view.axes[axis] === null && view.shape[axis] !== 1);
  if (!repeats) return tensor;
  return graph.node('Expand', [tensor, graph.lengths(order.map((axis) => view.shape[axis]!))]);
}

/** The tensor as the program sees it. */
export const whole = (graph: Graph, view: View): string =>
  arranged(
    graph,
    view,
    view.shape.map((_, axis) => axis),
  );

/**
 * Operands of one shape for an operator that stretches them, in a common order of axes, which is that of the largest.
 * The result is laid out in this order; axes that no operand has remain repetitions.
 */
export function aligned(graph: Graph, views: readonly View[]): { tensors: string[]; axes: View['axes'] } {
  const rank = views[0]!.shape.length;
  const numOwn = ({ axes }: View): number => axes.filter((axis) => axis !== null).length;
  const covered = Array.from({ length: rank }, (_, axis) => axis).filter((axis) =>
    views.some(({ axes }) => axes[axis] !== null),
  );
  const lead = views.reduce((most, view) => (numOwn(view) > numOwn(most) ? view : most));
  const order =
    numOwn(lead) === covered.length ? covered.toSorted((a, b) => lead.axes[a]! - lead.axes[b]!) : covered;
  const tensors = views.map((view) => {
    const first = order.findIndex((axis) => view.axes[axis] !== null);
    return laidOut(graph, view, first < 0 ? [] : order.slice(first));
  });
  const axes = Array.from({ length: rank }, (_, axis) =>
    covered.includes(axis) ? order.indexOf(axis) : null,
  );
  return { tensors, axes };
}

/** Another shape of the same elements; where only axes of length 1 come or go, the layout stays. */
export function reshaped(graph: Graph, view: View, shape: readonly Length[]): View {
  const long = (lengths: readonly Length[]): number[] =>
    lengths.flatMap((length, axis) => (length === 1 ? [] : [axis]));
  const [from, to] = [long(view.shape), long(shape)];
  const onlyOnes =
    from.length === to.length && from.every((axis, i) => sameLength(view.shape[axis]!, shape[to[i]!]!));
  if (!onlyOnes) return plainView(graph.reshape(whole(graph, view), shape), view.dtype, shape);
  const dropped = view.axes.filter((axis, i) => axis !== null && view.shape[i] === 1) as number[];
  const kept = (axis: number): number => axis - dropped.filter((other) => other < axis).length;
  const axes = shape.map((_, axis) => {
    const own = to.includes(axis) ? view.axes[from[to.indexOf(axis)]!]! : null;
    return own === null ? null : kept(own);
  });
  return { tensor: squeezed(graph, view, dropped), dtype: view.dtype, shape, axes };
}

/** The tensor without some axes of length 1. */
function squeezed(graph: Graph, { tensor }: View, axes: readonly number[]): string {
  if (axes.length === 0) return tensor;
  const known = graph.initializers.get(tensor);
  if (known === undefined)
    return graph.node('Squeeze', [tensor, graph.integers(axes.toSorted((a, b) => a - b))]);
  return graph.reshape(
    tensor,
    known.shape.filter((_, axis) => !axes.includes(axis)),
  );
}
