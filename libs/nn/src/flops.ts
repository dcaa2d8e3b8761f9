import { type Aval, traceProgram } from '@lockstep/autodiff';
import { type Shape, sizeOf } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Layer, TensorTree } from './layer.ts';

/** One equation of a program, as far as counting needs it. */
type Counting = (inputs: readonly Aval[], output: Aval, attrs: Readonly<Record<string, unknown>>) => number;

/** A multiplication and an addition for each term of each element. */
const products: Readonly<Record<string, Counting>> = {
  matmul: ([a], output, { transposeA }) => 2 * sizeOf(output.shape) * a!.shape.at(transposeA ? -2 : -1)!,
  conv2d: ([, kernel], output) => 2 * sizeOf(output.shape) * sizeOf(kernel!.shape.slice(0, 3)),
  conv2dInputGrad: ([dy, kernel]) => 2 * sizeOf(dy!.shape) * sizeOf(kernel!.shape.slice(0, 3)),
};

/** One operation for each element that goes in. */
const ofInputs = new Set([
  'sum',
  'reduceMax',
  'reduceMin',
  'argmax',
  'maxPool',
  'shardMoments',
  'groupMoments',
]);

/** Elements are moved, chosen or read as another type; nothing is computed. */
const free = new Set([
  ...['reshape', 'copy', 'transpose', 'broadcast', 'slice', 'place', 'pad', 'flip', 'concatenate'],
  ...['gather', 'stopGradient', 'cast', 'foldIn', 'randomBits', 'unitFromBits'],
]);

/**
 * Floating-point operations of one row on its way forward, evaluating: two for each term of a product, one for each
 * element of an elementwise function (exp counts like add) and for each element that is summed or compared; none for
 * what only moves.
 */
export function countFlops(layer: Layer, params: TensorTree, state: TensorTree, row: Aval): number {
  const given = flatten({ params, state });
  const avals = (given.leaves as readonly Aval[]).map(({ dtype, shape }) => ({ dtype, shape }));
  const x = { dtype: row.dtype, shape: [1, ...row.shape] };
  const program = traceProgram(
    (rows, key, weights, ...leaves) => {
      const own = unflatten(given.structure, leaves) as { params: TensorTree; state: TensorTree };
      const context = { training: false, key: key!, weights: weights! };
      return [layer.apply(own.params, own.state, rows!, context)[0]];
    },
    [x, { dtype: 'uint32', shape: [2] }, { dtype: 'float32', shape: [1] as Shape }, ...avals],
  );
  return program.equations.reduce((total, { primitive, attrs, inputs, outputs }) => {
    const of = (variable: number): Aval => program.avals[variable]!;
    const output = of(outputs[0]!);
    if (products[primitive]) return total + products[primitive](inputs.map(of), output, attrs);
    if (ofInputs.has(primitive)) return total + sizeOf(of(inputs[0]!).shape);
    return total + (free.has(primitive) ? 0 : sizeOf(output.shape));
  }, 0);
}
