/** Lowerings of the elementwise functions that this library computes in JavaScript. Some need several operators. */
import type { Graph } from './graph.ts';
import { type Emit, elementwise, type Lowering } from './lowering.ts';

/** An operator of the operand and a constant. */
const scaled =
  (op: string, factor: number): Emit =>
  (graph, [x], { out }) =>
    graph.node('Mul', [graph.node(op, [x!]), graph.scalar(factor, out.dtype)]);

/** eˣ − 1 = tanh(x/2)·(eˣ + 1), which keeps its precision near 0. */
const expm1: Emit = (graph, [x], { out }) => {
  const half = graph.node('Mul', [x!, graph.scalar(0.5, out.dtype)]);
  const above = graph.node('Add', [graph.node('Exp', [x!]), graph.scalar(1, out.dtype)]);
  return graph.node('Mul', [graph.node('Tanh', [half]), above]);
};

/**
 * ln(1 + x); near 0 it is ln u · x/(u − 1) with u = 1 + x rounded, whose rounding errors cancel (Higham, 2002, 1.14.1).
 */
const log1p: Emit = (graph, [x], { out }) => {
  const one = graph.scalar(1, out.dtype);
  const u = graph.node('Add', [x!, one]);
  const rounded = graph.node('Sub', [u, one]);
  const log = graph.node('Log', [u]);
  const corrected = graph.node('Div', [graph.node('Mul', [log, x!]), rounded]);
  const isLost = graph.node('Equal', [rounded, graph.scalar(0, out.dtype)]);
  const near = graph.node('Where', [isLost, x!, corrected]);
  return graph.node('Where', [graph.node('Less', [graph.node('Abs', [x!]), one]), near, log]);
};

/** a − b·⌊a/b⌋, which has the sign of the divisor, as in Python. */
const remainder: Emit = (graph, tensors, { out }) => {
  if (out.dtype === 'int32') return graph.node('Mod', tensors);
  return graph.node('Sub', [tensors[0]!, graph.node('Mul', [tensors[1]!, flooredQuotient(graph, tensors)])]);
};

const flooredQuotient = (graph: Graph, tensors: readonly string[]): string =>
  graph.node('Floor', [graph.node('Div', tensors)]);

const floorDivide: Emit = (graph, tensors, { out }) => {
  if (out.dtype !== 'int32') return flooredQuotient(graph, tensors);
  return graph.node('Div', [graph.node('Sub', [tensors[0]!, graph.node('Mod', tensors)]), tensors[1]!]);
};

/** max(a, b) + ln(1 + e^−|a − b|). */
const logAddExp: Emit = (graph, tensors) => {
  const distance = graph.node('Abs', [graph.node('Sub', tensors)]);
  return graph.node('Add', [
    graph.node('Max', tensors),
    graph.node('Softplus', [graph.node('Neg', [distance])]),
  ]);
};

const emits = {
  acos: 'Acos',
  acosh: 'Acosh',
  asin: 'Asin',
  asinh: 'Asinh',
  atan: 'Atan',
  atanh: 'Atanh',
  cosh: 'Cosh',
  sinh: 'Sinh',
  softplus: 'Softplus',
  pow: 'Pow',
  exp2: (graph, [x], { out }) => graph.node('Pow', [graph.scalar(2, out.dtype), x!]),
  log2: scaled('Log', Math.LOG2E),
  log10: scaled('Log', Math.LOG10E),
  expm1,
  log1p,
  erfc: (graph, [x], { out }) => graph.node('Sub', [graph.scalar(1, out.dtype), graph.node('Erf', [x!])]),
  cbrt: (graph, [x], { out }) => {
    const root = graph.node('Pow', [graph.node('Abs', [x!]), graph.scalar(1 / 3, out.dtype)]);
    return graph.node('Mul', [graph.node('Sign', [x!]), root]);
  },
  hypot: (graph, tensors) => {
    const [a, b] = tensors.map((x) => graph.node('Mul', [x, x])) as [string, string];
    return graph.node('Sqrt', [graph.node('Add', [a, b])]);
  },
  logAddExp,
  remainder,
  floorDivide,
} satisfies Record<string, Emit | string>;

export const host: Readonly<Record<string, Lowering>> = Object.fromEntries(
  Object.entries(emits).map(([name, emit]) => [name, elementwise(emit)]),
);
