/**
 * Lowerings of convolution and pooling. Images are [B, H, W, C] in this library and [B, C, H, W] in ONNX. Each operator
 * takes and returns ONNX's order; a transpose remains only before an operation that needs the other order.
 */
import type { Graph } from './graph.ts';
import { fixed } from './lengths.ts';
import type { Lowering } from './lowering.ts';
import { arranged, orderedView, type View } from './views.ts';

const channelsFirst = [0, 3, 1, 2];
/** The transpose of a kernel [kh, kw, C, O] to [O, C, kh, kw]. */
const kernelOrder = [3, 2, 0, 1];

interface Window {
  readonly strides: readonly [number, number];
  /** Padding [top, bottom, left, right] by zeros. It is negative at an end whose rows no window reads. */
  readonly padding: readonly [number, number, number, number];
}

const sizeOf = ({ shape }: Pick<View, 'shape'>): [number, number] => [
  fixed(shape[1]!, 'the height of images'),
  fixed(shape[2]!, 'the width of images'),
];

const conv2d: Lowering = ({ graph, inputs: [x, kernel], attrs, out }) => {
  const { strides, padding } = attrs as unknown as Window;
  const [top, bottom, left, right] = padding;
  const image = cropped(graph, arranged(graph, x!, channelsFirst), sizeOf(x!), [bottom, right]);
  const tensor = graph.node('Conv', [image, arranged(graph, kernel!, kernelOrder)], {
    strides,
    pads: [top, left, Math.max(0, bottom), Math.max(0, right)],
  });
  return orderedView(tensor, out.dtype, out.shape, channelsFirst);
};

/** Cuts off −ends[0] last rows and −ends[1] last columns, where `ends` are negative. */
function cropped(graph: Graph, image: string, size: [number, number], ends: [number, number]): string {
  if (ends.every((end) => end >= 0)) return image;
  const lengths = size.map((length, i) => length + Math.min(0, ends[i]!));
  return graph.node('Slice', [image, ...[[0, 0], lengths, [2, 3]].map((values) => graph.integers(values))]);
}

/** The transposed convolution, which is also a layer of its own. */
const conv2dInputGrad: Lowering = ({ graph, inputs: [dy, kernel], attrs, out }) => {
  const { strides, padding } = attrs as unknown as Window;
  const begins = [padding[0], padding[2]];
  const ends = [Math.max(0, padding[1]), Math.max(0, padding[3])];
  const window = [fixed(kernel!.shape[0]!, 'a kernel'), fixed(kernel!.shape[1]!, 'a kernel')];
  const [input, output] = [sizeOf(dy!), sizeOf(out)];
  // Rows that no window reaches are zeros. ConvTranspose adds up to a stride of them; Pad adds the others.
  const missing = output.map(
    (length, i) => length - ((input[i]! - 1) * strides[i]! + window[i]! - begins[i]! - ends[i]!),
  );
  const own = missing.map((rows, i) => Math.min(rows, strides[i]! - 1));
  const added = missing.map((rows, i) => rows - own[i]!);
  const result = graph.node(
    'ConvTranspose',
    [arranged(graph, dy!, channelsFirst), arranged(graph, kernel!, kernelOrder)],
    { strides, pads: [...begins, ...ends], output_padding: own },
  );
  const whole = added.every((rows) => rows === 0)
    ? result
    : graph.node('Pad', [result, graph.integers([0, 0, 0, 0, 0, 0, ...added]), graph.scalar(0, out.dtype)]);
  return orderedView(whole, out.dtype, out.shape, channelsFirst);
};

const maxPool: Lowering = ({ graph, inputs: [x], attrs, out }) => {
  const { window, strides } = attrs as unknown as Window & { window: readonly number[] };
  const tensor = graph.node('MaxPool', [arranged(graph, x!, channelsFirst)], {
    kernel_shape: window,
    strides,
  });
  return orderedView(tensor, out.dtype, out.shape, channelsFirst);
};

export const images = { conv2d, conv2dInputGrad, maxPool } satisfies Record<string, Lowering>;
