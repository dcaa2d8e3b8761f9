/** The table of lowerings from primitives to ONNX. A new primitive is one more entry. */
import { host } from './host.ts';
import { images } from './images.ts';
import { fixed } from './lengths.ts';
import { castTo, elementwise, type Lowering, logical, matrixOf, reduction, same } from './lowering.ts';
import { parts } from './parts.ts';
import { plainView, reordered, repeated, reshaped, whole } from './views.ts';

const unary = {
  neg: elementwise('Neg'),
  abs: elementwise('Abs'),
  sign: elementwise('Sign'),
  floor: elementwise('Floor'),
  ceil: elementwise('Ceil'),
  // This library and ONNX both round ties to even.
  round: elementwise('Round'),
  sqrt: elementwise('Sqrt'),
  reciprocal: elementwise('Reciprocal'),
  square: elementwise((graph, [x]) => graph.node('Mul', [x!, x!])),
  exp: elementwise('Exp'),
  log: elementwise('Log'),
  sin: elementwise('Sin'),
  cos: elementwise('Cos'),
  tanh: elementwise('Tanh'),
  sigmoid: elementwise('Sigmoid'),
  erf: elementwise('Erf'),
  relu: elementwise('Relu'),
  // Flushes denormal numbers to 0.
  flush: elementwise((graph, [x], { out }) => {
    const isTiny = graph.node('Less', [graph.node('Abs', [x!]), graph.scalar(1e-30, out.dtype)]);
    return graph.node('Where', [isTiny, graph.scalar(0, out.dtype), x!]);
  }),
  not: logical('Not'),
  cast: elementwise((graph, [x], { inputs, out }) => castTo(graph, x!, inputs[0]!.dtype, out.dtype)),
} satisfies Record<string, Lowering>;

const binary = {
  add: elementwise('Add'),
  sub: elementwise('Sub'),
  mul: elementwise('Mul'),
  div: elementwise('Div'),
  max: elementwise('Max'),
  min: elementwise('Min'),
  // `g` where `y` is positive, else 0.
  reluGrad: elementwise((graph, [g, y], { out }) => {
    const zero = graph.scalar(0, out.dtype);
    return graph.node('Where', [graph.node('Greater', [y!, zero]), g!, zero]);
  }),
  eq: elementwise('Equal'),
  ne: elementwise((graph, tensors) => graph.node('Not', [graph.node('Equal', tensors)])),
  lt: elementwise('Less'),
  le: elementwise('LessOrEqual'),
  gt: elementwise('Greater'),
  ge: elementwise('GreaterOrEqual'),
  and: logical('And'),
  or: logical('Or'),
  select: elementwise('Where'),
} satisfies Record<string, Lowering>;

const reductions = {
  sum: reduction((graph, x, axes) => graph.node('ReduceSum', [x, graph.integers(axes)], { keepdims: 0 })),
  reduceMax: reduction((graph, x, axes) => graph.node('ReduceMax', [x], { axes, keepdims: 0 })),
  reduceMin: reduction((graph, x, axes) => graph.node('ReduceMin', [x], { axes, keepdims: 0 })),
  argmax: extremumPlace('ArgMax'),
} satisfies Record<string, Lowering>;

/** The first index of the extremum along an axis, as int32. */
function extremumPlace(op: string): Lowering {
  return reduction(
    (graph, x, [axis]) => castTo(graph, graph.node(op, [x], { axis: axis!, keepdims: 0 }), 'int64', 'int32'),
    ({ axis }) => ({ axis: axis as number, count: 1 }),
  );
}

const structure = {
  reshape: ({ graph, inputs: [x], out }) => reshaped(graph, x!, out.shape),
  transpose: ({ inputs: [x], attrs }) => reordered(x!, attrs.axes as number[]),
  broadcast: ({ inputs: [x], attrs, out }) => repeated(x!, out.shape, attrs.axes as number[]),
  stopGradient: same,
  barrier: same,
  cumSum: ({ graph, inputs: [x], attrs, out }) => {
    const { axis, reverse } = attrs as { axis: number; reverse: boolean };
    const numbers = castTo(graph, whole(graph, x!), x!.dtype, out.dtype);
    const attributes = reverse ? { reverse: 1 } : {};
    const tensor = graph.node('CumSum', [numbers, graph.scalar(axis, 'int32')], attributes);
    return plainView(tensor, out.dtype, out.shape);
  },
  // The sort is stable in this library and in ONNX.
  argSort: ({ graph, inputs: [x], attrs, out }) => {
    const size = graph.integers([fixed(x!.shape.at(-1)!, 'what is sorted')]);
    const attributes = { largest: attrs.descending === true ? 1 : 0 };
    const [, places] = graph.nodeOf('TopK', [whole(graph, x!), size], 2, attributes);
    return plainView(castTo(graph, places!, 'int64', 'int32'), out.dtype, out.shape);
  },
  matmul: ({ graph, inputs: [a, b], attrs, out }) => {
    const repeats = [a!, b!].map(({ shape, axes }) => shape.length === 2 || axes[0] === null);
    const left = matrixOf(graph, a!, attrs.transposeA as boolean, !repeats[1]);
    const right = matrixOf(graph, b!, attrs.transposeB as boolean, !repeats[0]);
    return plainView(graph.node('MatMul', [left, right]), out.dtype, out.shape);
  },
  // An index out of range gives a row of NaN in this library and an error in ONNX.
  gather: ({ graph, inputs: [table, indices], out }) =>
    plainView(
      graph.node('Gather', [whole(graph, table!), whole(graph, indices!)], { axis: 0 }),
      out.dtype,
      out.shape,
    ),
} satisfies Record<string, Lowering>;

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...unary,
  ...binary,
  ...reductions,
  ...structure,
  ...parts,
  ...images,
  ...host,
};
