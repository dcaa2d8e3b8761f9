/**
 * A view is a value of a program as a tensor of the graph, whose axes may be in another order and may lack repetitions.
 * So transposes that cancel cost nothing, and elementwise operators broadcast their operands.
 */
import type { DType } from '@lockstep/tensor';
import type { Graph } from './graph.ts';
import { type Length, sameLength } from './lengths.ts';

export interface View {
  readonly tensor: string;
  readonly dtype: DType;
  readonly shape: readonly Length[];
  /**
   * For each axis of the value, its axis in the tensor, or `null` if the value repeats along it. Each tensor axis
   * occurs once.
   */
  readonly axes: readonly (number | null)[];
}

/** A view of a tensor with the axes of the value. */
export function plainView(tensor: string, dtype: DType, shape: readonly Length[]): View {
  return { tensor, dtype, shape, axes: shape.map((_, axis) => axis) };
}

/** A view of a tensor with its axes in another order: axis `i` of the tensor is axis `order[i]` of the value. */
export function orderedView(
  tensor: string,
  dtype: DType,
  shape: readonly Length[],
  order: readonly number[],
): View {
  return { tensor, dtype, shape, axes: shape.map((_, axis) => order.indexOf(axis)) };
}

/** The transposed view: axis `i` of the result is axis `order[i]`. */
export function reordered(view: View, order: readonly number[]): View {
  return {
    ...view,
    shape: order.map((axis) => view.shape[axis]!),
    axes: order.map((axis) => view.axes[axis]!),
  };
}

/** The broadcast view: axis `i` becomes axis `axes[i]` of `shape`, and the value repeats along the other axes. */
export function repeated(view: View, shape: readonly Length[], axes: readonly number[]): View {
  const own = (axis: number): number | null => {
    const from = axes.indexOf(axis);
    return from < 0 ? null : view.axes[from]!;
  };
  return { ...view, shape, axes: shape.map((_, axis) => own(axis)) };
}

/** The tensor with its axes in the given order; an axis along which the value repeats has length 1. */
export function laidOut(graph: Graph, { tensor, axes }: View, order: readonly number[]): string {
  const present = order.flatMap((axis) => axes[axis] ?? []);
  const missing = order.flatMap((axis, position) => (axes[axis] === null ? [position] : []));
  return graph.unsqueeze(graph.transpose(tensor, present), missing);
}

/** Like `laidOut`, but repeated axes have their full length. */
export function arranged(graph: Graph, view: View, order: readonly number[]): string {
  const tensor = laidOut(graph, view, order);
  const repeats = order.some((axis) => view.axes[axis] === null && view.shape[axis] !== 1);
  if (!repeats) return tensor;
  return graph.node('Expand', [tensor, graph.lengths(order.map((axis) => view.shape[axis]!))]);
}

/** The tensor with the axes and shape of the value. */
export const whole = (graph: Graph, view: View): string =>
  arranged(
    graph,
    view,
    view.shape.map((_, axis) => axis),
  );

/**
 * Puts the axes of operands of one shape into a common order, for an operator that broadcasts them. The order is that
 * of the operand with most axes. The result has this order; axes that no operand has remain repetitions.
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

/** Reshapes a view. If only axes of length 1 are added or removed, the tensor's layout stays. */
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
