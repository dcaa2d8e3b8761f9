/** ONNX's messages. Source: onnx.proto of ONNX 1.12 (the numbers of fields and types). */
import type { Attribute, Graph, Initializer, Node } from './graph.ts';
import { isFixed } from './lengths.ts';
import { elementTypes } from './lowering.ts';
import { bytes, type Fields, integer, integers, joined, message, text } from './proto.ts';
import type { Variable } from './symbolic.ts';

/** An input or output of a model. */
export interface NamedVariable extends Variable {
  readonly name: string;
}

export interface ModelParts {
  readonly graph: Graph;
  readonly inputs: readonly NamedVariable[];
  readonly outputs: readonly NamedVariable[];
  readonly name: string;
  /** What the number of rows is called. */
  readonly batchName: string;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The version of the format that came with an operator set. */
const irVersions: Readonly<Record<number, number>> = { 14: 7, 15: 8, 16: 8, 17: 8 };

/** A ModelProto. */
export function encodeModelProto({ opset, metadata, ...parts }: ModelParts): Uint8Array {
  return joined([
    integer(1, irVersions[opset]!),
    text(2, 'lockstep'),
    message(7, ...graphFields(parts)),
    message(8, integer(2, opset)),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  ]);
}

function graphFields(parts: Omit<ModelParts, 'opset' | 'metadata'>): Fields[] {
  const { graph, inputs, outputs, name, batchName } = parts;
  return [
    ...graph.nodes.map((node) => message(1, ...nodeFields(node))),
    text(2, name),
    ...[...graph.initializers].map(([key, value]) => message(5, ...tensorFields(key, value))),
    ...inputs.map((input) => message(11, ...valueFields(input, batchName))),
    ...outputs.map((output) => message(12, ...valueFields(output, batchName))),
  ];
}

function nodeFields({ op, inputs, output, attributes }: Node): Fields[] {
  return [
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...Object.entries(attributes).map(([key, value]) => message(5, text(1, key), ...attributeFields(value))),
  ];
}

/** The attributes of these operators are integers and lists of them. */
function attributeFields(value: Attribute): Fields[] {
  return typeof value === 'number'
    ? [integer(3, value), integer(20, 2)]
    : [integers(8, value), integer(20, 7)];
}

function tensorFields(name: string, { dtype, shape, data }: Initializer): Fields[] {
  return [
    integers(1, shape),
    integer(2, elementTypes[dtype]),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

function valueFields({ name, dtype, shape }: NamedVariable, batchName: string): Fields[] {
  const axes = shape.map((length) =>
    message(1, isFixed(length) ? integer(1, length) : text(2, batchesName(length.batches, batchName))),
  );
  const tensorType = [integer(1, elementTypes[dtype]), message(2, ...axes)];
  return [text(1, name), message(2, message(1, ...tensorType))];
}

const batchesName = (batches: number, batchName: string): string =>
  batches === 1 ? batchName : `${batches}*${batchName}`;
