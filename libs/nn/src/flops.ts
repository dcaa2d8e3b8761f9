import { type Aval, type Program, programFlops, traceProgram } from '@lockstep/autodiff';
import { withRows } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Layer, TensorTree } from './layer.ts';

/** Floating-point operations of the forward pass of one row in evaluation, as `programFlops` counts them. */
export function countFlops(layer: Layer, params: TensorTree, state: TensorTree, row: Aval): number {
  const given = flatten({ params, state });
  const avals = (given.leaves as readonly Aval[]).map(({ dtype, shape }) => ({ dtype, shape }));
  const traced = (numRows: number): Program =>
    traceProgram(
      (rows, key, weights, ...leaves) => {
        const own = unflatten(given.structure, leaves) as { params: TensorTree; state: TensorTree };
        const context = { training: false, key: key!, weights: weights! };
        return [layer.apply(own.params, own.state, rows!, context)[0]];
      },
      [
        { dtype: row.dtype, shape: [numRows, ...row.shape] },
        { dtype: 'uint32', shape: [2] },
        { dtype: 'float32', shape: [numRows] as Shape },
        ...avals,
      ],
    );
  return programFlops(withRows(1, traced));
}
