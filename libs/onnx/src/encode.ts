/** Encodes the protobuf messages of ONNX. Source: onnx.proto of ONNX 1.12 (the numbers of fields and types). */

import { bytes, type Fields, integer, integers, joined, message, text } from '@lockstep/protobuf';
import type { DType } from '@lockstep/tensor';
import { elementTypes } from './element-types.ts';
import type { Attribute, Graph, Initializer, NamedVariable, Node, Subgraph } from './graph.ts';
import { nameOfLength } from './lengths.ts';

export interface ModelParts {
  readonly graph: Graph;
  readonly inputs: readonly NamedVariable[];
  readonly outputs: readonly NamedVariable[];
  readonly name: string;
  /** The name of the number of rows. */
  readonly batchName: string;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The version of the file format that was released with an operator set. */
const irVersions: Readonly<Record<number, number>> = { 14: 7, 15: 8, 16: 8, 17: 8 };

/** Encodes a ModelProto. */
export function encodeModelProto({ opset, metadata, ...parts }: ModelParts): Uint8Array {
  return joined([
    integer(1, irVersions[opset]!),
    text(2, 'lockstep'),
    message(7, ...graphFields(parts)),
    message(8, integer(2, opset)),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  ]);
}

function graphFields({
  graph,
  inputs,
  outputs,
  name,
  batchName,
}: Omit<ModelParts, 'opset' | 'metadata'>): Fields[] {
  return [
    ...partFields({ nodes: graph.nodes, inputs, outputs }, name, batchName),
    ...[...graph.initializers].map(([key, value]) => message(5, ...tensorFields(key, value))),
  ];
}

/** The fields of a GraphProto: the graph of a model, or the body of a node. */
function partFields({ nodes, inputs, outputs }: Subgraph, name: string, batchName: string): Fields[] {
  return [
    ...nodes.map((node) => message(1, ...nodeFields(node, batchName))),
    text(2, name),
    ...inputs.map((input) => message(11, ...valueFields(input, batchName))),
    ...outputs.map((output) => message(12, ...valueFields(output, batchName))),
  ];
}

function nodeFields({ op, inputs, outputs, attributes }: Node, batchName: string): Fields[] {
  return [
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, outputs[0]!),
    text(4, op),
    ...Object.entries(attributes).map(([key, value]) =>
      message(5, text(1, key), ...attributeFields(value, key, batchName)),
    ),
  ];
}

/** An attribute is an integer, a list of integers, or a body. */
function attributeFields(value: Attribute, key: string, batchName: string): Fields[] {
  if (typeof value === 'number') return [integer(3, value), integer(20, 2)];
  if ('nodes' in value) return [message(6, ...partFields(value, key, batchName)), integer(20, 5)];
  return [integers(8, value), integer(20, 7)];
}

function tensorFields(name: string, { dtype, shape, data }: Initializer): Fields[] {
  return [
    integers(1, shape),
    integer(2, elementTypes[dtype]),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

function valueFields({ name, dtype, shape }: NamedVariable<DType | 'int64'>, batchName: string): Fields[] {
  const axes = shape.map((length) => {
    const known = nameOfLength(length, batchName);
    return message(1, typeof known === 'number' ? integer(1, known) : text(2, known));
  });
  const tensorType = [integer(1, elementTypes[dtype]), message(2, ...axes)];
  return [text(1, name), message(2, message(1, ...tensorType))];
}
