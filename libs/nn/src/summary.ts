import { traceProgram } from '@lockstep/autodiff';
import { signature } from '@lockstep/errors';
import { type DType, formatShape, type Shape } from '@lockstep/tensor';
import { countParams } from './count.ts';
import { countFlops } from './flops.ts';
import { aLayer, aShape } from './kinds.ts';
import {
  asLayer,
  type Initialized,
  initialize,
  type Layer,
  type LayerLike,
  type TensorTree,
} from './layer.ts';

const checkSummary = signature('summary', { model: aLayer, inputShape: aShape });

/**
 * A table of a model's layers by path: the shape of a row after the layer, the number of trained parameters, and the
 * floating-point operations of the forward pass of one row (two per term of a product, one per element of other
 * operations).
 */
export function summary(model: LayerLike, inputShape: Shape): string {
  checkSummary(model, inputShape);
  const whole = nodeOf(asLayer(model), inputShape);
  const body = linesOf(whole, '').map(({ name, output, parameters, flops }) => [
    name,
    formatShape(output),
    ...[parameters, flops].map((count) => count?.toLocaleString('en-US') ?? ''),
  ]);
  const total = [whole.parameters, whole.flops].map((count) => count.toLocaleString('en-US'));
  return aligned([
    ['layer', 'output', 'parameters', 'FLOPs'],
    ['input', formatShape(inputShape), '', ''],
    ...body,
    ['total', '', ...total],
  ]);
}

/** A layer and the layers that it contains. */
interface Node {
  readonly kind: string;
  readonly output: Shape;
  readonly parameters: number;
  readonly flops: number;
  readonly children: readonly Node[];
}

function nodeOf(layer: Layer, input: Shape, dtype: DType = dtypeOf(layer)): Node {
  const { params, state, output } = typesOf(layer, input);
  let shape = input;
  const chain = (layer.layers ?? []).map((child, i) => {
    const node = nodeOf(child, shape, i === 0 ? dtype : dtypeOf(child));
    shape = node.output;
    return node;
  });
  return {
    kind: layer.kind,
    output,
    parameters: countParams(params),
    flops: countFlops(layer, params, state, { dtype, shape: input }),
    children: [...chain, ...(layer.branches ?? []).map((branch) => nodeOf(branch, input, dtype))],
  };
}

/** The element type of a layer's rows: its own, or that of the first layer to which it passes them. */
function dtypeOf({ inputType, layers, branches }: Layer): DType {
  const first = layers?.[0] ?? branches?.[0];
  return inputType ?? (first === undefined ? 'float32' : dtypeOf(first));
}

interface Line {
  readonly name: string;
  readonly output: Shape;
  /** Absent for layers that only consist of others. */
  readonly parameters?: number;
  readonly flops?: number;
}

/** The lines of the table. A plain chain has no line; other containers count what their parts do not. */
function linesOf(node: Node, path: string): Line[] {
  const { kind, output, children } = node;
  const name = `${path} ${kind}`.trim();
  if (children.length === 0) return [{ name, output, parameters: node.parameters, flops: node.flops }];
  const inside = children.flatMap((child, i) => linesOf(child, path === '' ? `${i}` : `${path}/${i}`));
  if (kind === 'sequential') return inside;
  const flops = children.reduce((rest, child) => rest - child.flops, node.flops);
  return [{ name, output, ...(flops > 0 && { flops }) }, ...inside];
}

/** The shapes that `init` gives, by tracing without drawing numbers. */
function typesOf(layer: Layer, input: Shape): Initialized<TensorTree, TensorTree> {
  let result: Initialized<TensorTree, TensorTree> | undefined;
  traceProgram(
    (key) => {
      result = initialize(layer, key!, input);
      return [];
    },
    [{ dtype: 'uint32', shape: [2] }],
  );
  return result!;
}

/** Aligns columns: the first two to the left, numbers to the right. */
function aligned(table: readonly (readonly string[])[]): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
