/** From a function of tensors to an ONNX model. */
import { bind, ConcreteTensor, primitiveNamed, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import { encodeModelProto, type NamedVariable } from './encode.ts';
import { Graph } from './graph.ts';
import { formatLengths, isFixed, type Length } from './lengths.ts';
import { lowerings } from './primitives.ts';
import { type SymbolicEquation, type SymbolicProgram, traceSymbolic } from './symbolic.ts';
import { plainView, type View, whole } from './views.ts';

export interface OnnxInput {
  readonly name: string;
  readonly dtype: DType;
  /** A string stands for the number of rows, which is open: `['batch', 28, 28, 1]`. All inputs use the same. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxOptions {
  /** Of the function, in order. */
  readonly inputs: readonly OnnxInput[];
  /** Names of the results. Default `output`, or `output0`, `output1`, … */
  readonly outputs?: readonly string[];
  /** What to call the tensors that the function brings along, such as parameters. */
  readonly names?: Readonly<Record<string, Tensor>>;
  /** The version of ONNX's operators. Default 17. */
  readonly opset?: 14 | 15 | 16 | 17;
  /** Of the graph. Default `lockstep`. */
  readonly name?: string;
  /** Any words, kept in the model. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface OnnxModel {
  /** The file. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly OnnxInput[];
  readonly opset: number;
  /** How many nodes of each operator it has. */
  readonly operators: Readonly<Record<string, number>>;
}

/**
 * The ONNX model of `f`, for batches of any size where an input's shape names one. What `f` takes from outside becomes a
 * constant of the model. Throws an `argument` error for an operation that ONNX has no operator for, and where what is
 * computed depends on the number of rows otherwise than by lengths.
 */
export function exportOnnx(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  options: OnnxOptions,
): OnnxModel {
  const { opset = 17, name = 'lockstep', metadata = {} } = options;
  const inputs = options.inputs.map(namedInput);
  const batchName = batchNameOf(options.inputs);
  const program = traceSymbolic((...xs) => [f(...xs)].flat() as Tensor[], inputs);
  const outputs = outputsOf(program, options.outputs);
  const batchAxes = inputs.map(({ shape }) => shape.findIndex((length) => !isFixed(length)));
  const source = batchAxes.findIndex((axis) => axis >= 0);
  const graph = new Graph(
    new Map(Object.entries(options.names ?? {}).map(([key, x]) => [x.data, key])),
    source < 0 ? undefined : { tensor: inputs[source]!.name, axis: batchAxes[source]! },
    [...inputs, ...outputs].map((variable) => variable.name),
  );
  const view = lower(program, inputs, graph);
  const tensors = program.outputs.map((output) => whole(graph, view(output)));
  for (const [i, { name: output }] of outputs.entries()) {
    const first = tensors.indexOf(tensors[i]!);
    if (first < i) graph.alias(outputs[first]!.name, output);
    else if (!graph.rename(tensors[i]!, output)) graph.alias(tensors[i]!, output);
  }
  graph.dropUnused();
  const bytes = encodeModelProto({ graph, inputs, outputs, name, batchName, opset, metadata });
  const described = ({ name, dtype, shape }: NamedVariable): OnnxInput => ({
    name,
    dtype,
    shape: shape.map((length) =>
      isFixed(length) ? length : length.batches === 1 ? batchName : `${length.batches}*${batchName}`,
    ),
  });
  return {
    bytes,
    inputs: inputs.map(described),
    outputs: outputs.map(described),
    opset,
    operators: countOperators(graph),
  };
}

function countOperators({ nodes }: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

const namedInput = ({ name, dtype, shape }: OnnxInput): NamedVariable => ({
  name,
  dtype,
  shape: shape.map((length): Length => (typeof length === 'string' ? { batches: 1 } : length)),
});

function batchNameOf(inputs: readonly OnnxInput[]): string {
  const names = new Set(inputs.flatMap(({ shape }) => shape.filter((length) => typeof length === 'string')));
  const [only = 'batch', ...others] = names;
  if (others.length === 0) return only;
  throw new LockstepError(
    'argument',
    `onnx: the inputs leave ${[...names].join(' and ')} open; only one length may be, the rows of the batch: give the others as numbers`,
    { names: [...names] },
  );
}

function outputsOf({ outputs, variables }: SymbolicProgram, names?: readonly string[]): NamedVariable[] {
  const given = names ?? outputs.map((_, i) => (outputs.length === 1 ? 'output' : `output${i}`));
  if (given.length !== outputs.length) {
    throw new LockstepError(
      'argument',
      `onnx: ${given.length} names for ${outputs.length} outputs; give one for each`,
      { names: given, numOutputs: outputs.length },
    );
  }
  return outputs.map((output, i) => ({ name: given[i]!, ...variables[output]! }));
}

/** Appends the operators of a program; the result says where a variable lies. */
function lower(
  program: SymbolicProgram,
  inputs: readonly NamedVariable[],
  graph: Graph,
): (variable: number) => View {
  const views = new Map<number, View>();
  const known = new Map<number, () => Tensor>();
  for (const [i, { name, dtype, shape }] of inputs.entries()) views.set(i, plainView(name, dtype, shape));
  for (const { variable, storage } of program.constants)
    known.set(variable, () => new ConcreteTensor(storage));
  const view = (variable: number): View => {
    const found = views.get(variable);
    if (found !== undefined) return found;
    const { storage } = known.get(variable)!() as ConcreteTensor;
    const made = plainView(graph.constant(storage), storage.dtype, storage.shape);
    views.set(variable, made);
    return made;
  };
  for (const equation of program.equations) {
    const [output] = equation.outputs;
    const value = constantValue(equation, program, known);
    if (value !== undefined) known.set(output!, value);
    // A repetition is kept as such: it takes no room, and operators stretch their operands themselves.
    if (value !== undefined && equation.primitive !== 'broadcast') continue;
    const lowering = Object.hasOwn(lowerings, equation.primitive) ? lowerings[equation.primitive] : undefined;
    if (lowering === undefined) throw unmapped(equation, program);
    const operands = equation.inputs.map(view);
    views.set(
      output!,
      lowering({ graph, inputs: operands, attrs: equation.attrs, out: program.variables[output!]! }),
    );
  }
  return view;
}

/** What depends on constants alone is computed here, by the library's own arithmetic, when it is asked for. */
function constantValue(
  { primitive, attrs, inputs, outputs }: SymbolicEquation,
  { variables }: SymbolicProgram,
  known: ReadonlyMap<number, () => Tensor>,
): (() => Tensor) | undefined {
  const operands = inputs.map((input) => known.get(input));
  const isKnown = operands.every((operand) => operand !== undefined);
  if (!isKnown || outputs.length !== 1 || !variables[outputs[0]!]!.shape.every(isFixed)) return undefined;
  let value: Tensor | undefined;
  return () => {
    value ??= bind(
      primitiveNamed(primitive),
      operands.map((operand) => operand!()),
      attrs,
    );
    return value;
  };
}

function unmapped({ primitive, inputs }: SymbolicEquation, { variables }: SymbolicProgram): LockstepError {
  const operands = inputs.map(
    (input) => `${variables[input]!.dtype}${formatLengths(variables[input]!.shape)}`,
  );
  return new LockstepError(
    'argument',
    `onnx: '${primitive}' of ${operands.join(', ') || 'nothing'} has no operator in ONNX that this library maps it to; write that part with other operations, or leave it out of the exported function`,
    { primitive, mapped: Object.keys(lowerings) },
  );
}
