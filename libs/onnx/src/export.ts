/** Exports a function of tensors as an ONNX model. */
import { bind, ConcreteTensor, kinds, primitiveNamed, type Tensor } from '@lockstep/autodiff';
import {
  aFunction,
  anObject,
  aString,
  type Kind,
  LockstepError,
  listOf,
  type Rules,
  recordOf,
  required,
  signature,
} from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import { constructs } from './constructs.ts';
import { encodeModelProto } from './encode.ts';
import { Graph, type NamedVariable, withBodies } from './graph.ts';
import { formatLengths, isFixed, type Length, nameOfLength } from './lengths.ts';
import { lowerings } from './primitives.ts';
import { type SymbolicEquation, type SymbolicProgram, traceSymbolic } from './symbolic.ts';
import { plainView, type View, whole } from './views.ts';

export interface OnnxInput {
  readonly name: string;
  readonly dtype: DType;
  /**
   * A string stands for the number of rows, which the model leaves open: `['batch', 28, 28, 1]`. All inputs use the
   * same string.
   */
  readonly shape: readonly (number | string)[];
}

export interface OnnxOptions {
  /** The inputs of the function, in order. */
  readonly inputs: readonly OnnxInput[];
  /** The names of the results. Default `output`, or `output0`, `output1`, … */
  readonly outputs?: readonly string[];
  /** Names for the tensors that the function closes over, such as parameters. */
  readonly names?: Readonly<Record<string, Tensor>>;
  /** The version of ONNX's operators. Default 17. */
  readonly opset?: 14 | 15 | 16 | 17;
  /** The name of the graph. Default `lockstep`. */
  readonly name?: string;
  /** Strings by key that are stored in the model. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface OnnxModel {
  /** The bytes of the file. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly OnnxInput[];
  readonly opset: number;
  /** The number of nodes by operator. */
  readonly operators: Readonly<Record<string, number>>;
}

const anInput: Kind = {
  what: "an object such as { name: 'x', dtype: 'float32', shape: ['batch', 4] }",
  fits: isInput,
};

function isInput(value: unknown): boolean {
  if (!anObject.fits(value)) return false;
  const { name, dtype, shape } = value as Readonly<Record<keyof OnnxInput, unknown>>;
  const isLength = (length: unknown): boolean => typeof length === 'string' || Number.isInteger(length);
  return (
    typeof name === 'string' && kinds.aDType.fits(dtype) && Array.isArray(shape) && shape.every(isLength)
  );
}

const opsets = [14, 15, 16, 17] as const satisfies readonly OnnxOptions['opset'][];

/** Rules of the options that `exportModel` takes too. */
export const graphRules: Rules<Omit<OnnxOptions, 'inputs' | 'outputs'>> = {
  names: recordOf(kinds.aTensor, 'an object of tensors by name'),
  opset: { what: 'a whole number from 14 to 17', fits: (value) => opsets.some((opset) => opset === value) },
  name: aString,
  metadata: recordOf(aString, 'an object of strings'),
};

const onnxRules: Rules<OnnxOptions> = {
  inputs: required(listOf(anInput, `a list, each ${anInput.what}`)),
  outputs: listOf(aString, 'a list of names'),
  ...graphRules,
};

const checkExport = signature('exportOnnx', { f: aFunction }, onnxRules);

/**
 * The ONNX model of `f`. If the shape of an input has a name for the number of rows, the model takes batches of any
 * size. Tensors that `f` closes over become constants of the model. Throws an `argument` error for an operation without
 * an operator in ONNX, and if the number of rows changes more in the computation than the lengths of axes.
 */
export function exportOnnx(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  options: OnnxOptions,
): OnnxModel {
  checkExport(f, options);
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
  const views = inputs.map(({ name: input, dtype, shape }) => plainView(input, dtype, shape));
  const tensors = lower(program, views, graph).map((view) => whole(graph, view));
  graph.finish(
    tensors,
    outputs.map((output) => output.name),
  );
  graph.dropUnused();
  const bytes = encodeModelProto({ graph, inputs, outputs, name, batchName, opset, metadata });
  const described = ({ name, dtype, shape }: NamedVariable): OnnxInput => ({
    name,
    dtype,
    shape: shape.map((length) => nameOfLength(length, batchName)),
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
  for (const { op } of withBodies(nodes)) counts[op] = (counts[op] ?? 0) + 1;
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
    `onnx: the inputs leave ${[...names].join(' and ')} open, but only the number of rows may be open; give the other lengths as numbers`,
    { names: [...names] },
  );
}

function outputsOf({ outputs, avals }: SymbolicProgram, names?: readonly string[]): NamedVariable[] {
  const given = names ?? outputs.map((_, i) => (outputs.length === 1 ? 'output' : `output${i}`));
  if (given.length !== outputs.length) {
    throw new LockstepError(
      'argument',
      `onnx: ${given.length} names for ${outputs.length} outputs; give one for each`,
      { names: given, numOutputs: outputs.length },
    );
  }
  return outputs.map((output, i) => ({ name: given[i]!, ...avals[output]! }));
}

/** Appends the operators of a program and returns the views of its outputs. */
function lower(program: SymbolicProgram, inputs: readonly View[], graph: Graph): readonly View[] {
  const { avals, constants, equations, outputs } = program;
  const views = new Map<number, View>(inputs.entries());
  const known = new Map<number, () => Tensor>();
  for (const constant of constants) {
    const { variable } = constant;
    const { dtype, shape } = avals[variable]!;
    if ('storage' in constant) known.set(variable, () => new ConcreteTensor(constant.storage));
    else views.set(variable, plainView(graph.count(constant.count, dtype, shape), dtype, shape));
  }
  const view = (variable: number): View => {
    const found = views.get(variable);
    if (found !== undefined) return found;
    const { dtype, shape, data } = known.get(variable)!();
    const made = plainView(graph.constant({ dtype, shape, data }), dtype, shape);
    views.set(variable, made);
    return made;
  };
  for (const equation of equations) {
    const { primitive, attrs } = equation;
    const value = constantValue(equation, program, known);
    if (value !== undefined) known.set(equation.outputs[0]!, value);
    // A broadcast is not computed: ONNX operators broadcast their operands, and a computed constant would take space.
    if (value !== undefined && primitive !== 'broadcast') continue;
    const outs = equation.outputs.map((output) => avals[output]!);
    const lowered = { graph, attrs, inputs: equation.inputs.map(view) };
    const results = Object.hasOwn(lowerings, primitive)
      ? [lowerings[primitive]!({ ...lowered, out: outs[0]! })]
      : Object.hasOwn(constructs, primitive)
        ? constructs[primitive]!({ ...lowered, outs, lowerBody: lower })
        : unmapped(equation, program);
    for (const [i, output] of equation.outputs.entries()) views.set(output, results[i]!);
  }
  return outputs.map(view);
}

/** Folds constants: an equation of constants alone is computed here, by this library's kernels, on first use. */
function constantValue(
  { primitive, attrs, inputs, outputs }: SymbolicEquation,
  { avals }: SymbolicProgram,
  known: ReadonlyMap<number, () => Tensor>,
): (() => Tensor) | undefined {
  const operands = inputs.map((input) => known.get(input));
  const isKnown = operands.every((operand) => operand !== undefined);
  const isPlain = outputs.length === 1 && attrs.bodies === undefined;
  if (!isKnown || !isPlain || !avals[outputs[0]!]!.shape.every(isFixed)) return undefined;
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

function unmapped({ primitive, inputs }: SymbolicEquation, { avals }: SymbolicProgram): never {
  const operands = inputs.map((input) => `${avals[input]!.dtype}${formatLengths(avals[input]!.shape)}`);
  throw new LockstepError(
    'argument',
    `onnx: '${primitive}' of ${operands.join(', ') || 'nothing'} has no operator in ONNX; write that part with other operations, or leave it out of the exported function`,
    { primitive, mapped: [...Object.keys(lowerings), ...Object.keys(constructs)] },
  );
}
