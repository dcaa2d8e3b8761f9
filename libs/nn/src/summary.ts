import { type Tensor, traceProgram } from '@lockstep/autodiff';
import { formatShape, type Shape } from '@lockstep/tensor';
import { flatten } from '@lockstep/tree';
import { asLayer, type Initialized, type Layer, type LayerLike, type TensorTree } from './layer.ts';

interface Row {
  readonly name: string;
  readonly output: string;
  readonly count: number;
}

/** A table of a model's layers, the shapes of a row after each, and their numbers of trained parameters. */
export function summary(model: LayerLike, inputShape: Shape): string {
  const layer = asLayer(model);
  const rows = rowsOf(layer, inputShape, '');
  const input = { name: 'input', output: formatShape(inputShape), parameters: '' };
  const body = rows.map(({ name, output, count }) => ({ name, output, parameters: grouped(count) }));
  const total = {
    name: 'total',
    output: '',
    parameters: grouped(rows.reduce((sum, { count }) => sum + count, 0)),
  };
  const table = [{ name: 'layer', output: 'output', parameters: 'parameters' }, input, ...body, total];
  const width = (column: 'name' | 'output' | 'parameters'): number =>
    Math.max(...table.map((row) => row[column].length));
  return table
    .map(({ name, output, parameters }) =>
      [name.padEnd(width('name')), output.padEnd(width('output')), parameters.padStart(width('parameters'))]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One row for each layer that is no container, named by its path. */
function rowsOf(layer: Layer, input: Shape, path: string): Row[] {
  if (layer.layers === undefined) {
    const { params, output } = typesOf(layer, input);
    const leaves = flatten(params).leaves as Tensor[];
    const count = leaves.reduce((sum, { size }) => sum + size, 0);
    return [{ name: `${path} ${layer.kind}`.trim(), output: formatShape(output), count }];
  }
  let shape = input;
  return layer.layers.flatMap((child, i) => {
    const rows = rowsOf(child, shape, path === '' ? `${i}` : `${path}/${i}`);
    shape = typesOf(child, shape).output;
    return rows;
  });
}

/** What `init` gives, traced: shapes without a number drawn. */
function typesOf(layer: Layer, input: Shape): Initialized<TensorTree, TensorTree> {
  let result: Initialized<TensorTree, TensorTree> | undefined;
  traceProgram(
    (key) => {
      result = layer.init(key!, input);
      return [];
    },
    [{ dtype: 'uint32', shape: [2] }],
  );
  return result!;
}

const grouped = (count: number): string => count.toLocaleString('en-US');
