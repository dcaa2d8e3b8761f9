/** Lowerings of slice, place (pad), concatenate and flip. */
import { fixed, isFixed, type Length, sameLength } from './lengths.ts';
import { changedAxes, type Lowering } from './lowering.ts';
import { orderedView, plainView, type View, whole } from './views.ts';

interface Slices {
  readonly start: readonly Length[];
  readonly length: readonly Length[];
  readonly step: readonly number[];
}

/** The end of a slice with a negative step that includes the first element. */
const beforeFirst = -2147483647;

const slice: Lowering = ({ graph, inputs: [x], attrs, out }) => {
  const { start, length, step } = attrs as unknown as Slices;
  const changed = changedAxes(
    x!,
    (axis) => start[axis] !== 0 || step[axis] !== 1 || !sameLength(length[axis]!, x!.shape[axis]!),
  );
  // Slices along a repeated axis are equal, so only the shape changes.
  if (changed.length === 0) return { ...x!, shape: out.shape };
  const from = changed.map(({ axis }) => fixed(start[axis]!, 'the beginning of a slice'));
  const to = changed.map(({ axis }, i) => {
    const last = from[i]! + (fixed(length[axis]!, 'the length of a slice') - 1) * step[axis]!;
    const end = last + Math.sign(step[axis]!);
    return end < 0 ? beforeFirst : end;
  });
  const empty = changed.some(({ axis }) => length[axis] === 0);
  const operands = [
    from,
    empty ? from : to,
    changed.map(({ stored }) => stored),
    changed.map(({ axis }) => step[axis]!),
  ];
  const tensor = graph.node('Slice', [x!.tensor, ...operands.map((values) => graph.integers(values))]);
  return { ...x!, tensor, shape: out.shape };
};

const flip: Lowering = ({ graph, inputs: [x], attrs }) => {
  const changed = changedAxes(x!, (axis) => (attrs.axes as number[]).includes(axis));
  if (changed.length === 0) return x!;
  const each = (value: number): string => graph.integers(changed.map(() => value));
  const axes = graph.integers(changed.map(({ stored }) => stored));
  const tensor = graph.node('Slice', [x!.tensor, each(-1), each(beforeFirst), axes, each(-1)]);
  return { ...x!, tensor };
};

/** Puts zeros around the elements and, for a step above 1, between them. */
const place: Lowering = ({ graph, inputs: [x], attrs, out }) => {
  const { start, step } = attrs as unknown as { start: readonly number[]; step: readonly number[] };
  const zero = graph.scalar(0, out.dtype);
  const padded = (tensor: string, before: readonly number[], after: readonly number[]): string =>
    graph.node('Pad', [tensor, graph.integers([...before, ...after]), zero]);
  const numZeros = (axis: number, used: (length: number) => number): number => {
    const [length, total] = [x!.shape[axis]!, out.shape[axis]!];
    if (start[axis] === 0 && step[axis] === 1 && sameLength(length, total)) return 0;
    return fixed(total, 'the length that zeros fill') - used(fixed(length, 'the length that is filled up'));
  };
  const spread = x!.shape.some((_, axis) => step[axis] !== 1);
  if (!spread) {
    const own = layoutOf(x!);
    const order = own ?? x!.shape.map((_, axis) => axis);
    const tensor = own === undefined ? whole(graph, x!) : x!.tensor;
    const before = order.map((axis) => start[axis]!);
    const after = order.map((axis) => numZeros(axis, (length) => start[axis]! + length));
    return orderedView(padded(tensor, before, after), out.dtype, out.shape, order);
  }
  // Each element becomes the first of `step` elements on a new axis, which is then merged and cut to size.
  const rows = x!.shape.flatMap((length): Length[] => [length, 1]);
  const none = rows.map(() => 0);
  const gaps = rows.map((_, i) => (i % 2 === 0 ? 0 : step[(i - 1) / 2]! - 1));
  const long = x!.shape.map((length, axis) => (isFixed(length) ? length * step[axis]! : length));
  const apart = padded(graph.reshape(whole(graph, x!), rows), none, gaps);
  const after = x!.shape.map((_, axis) => numZeros(axis, (length) => start[axis]! + length * step[axis]!));
  const tensor = padded(graph.reshape(apart, long), start, after);
  return plainView(tensor, out.dtype, out.shape);
};

/** The order of a view's axes in its tensor; undefined if the view repeats along an axis. */
function layoutOf({ axes }: View): number[] | undefined {
  if (axes.includes(null)) return undefined;
  return axes.map((_, stored) => axes.indexOf(stored));
}

const concatenate: Lowering = ({ graph, inputs, attrs, out }) => {
  const tensors = inputs.map((x) => whole(graph, x));
  const joined =
    tensors.length === 1 ? tensors[0]! : graph.node('Concat', tensors, { axis: attrs.axis as number });
  return plainView(joined, out.dtype, out.shape);
};

export const parts = { slice, flip, place, concatenate } satisfies Record<string, Lowering>;
