/** Arrays joined along an axis. */

import { LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis, sameShape, stridesOf } from '@lockstep/tensor';
import { asTensors, type TensorLike, zerosLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor, tensorLike } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { repeatInFront } from '../reduce/sum.ts';
import { reshape } from './reshape.ts';
import { padZeros, slice } from './slicing.ts';

const concatenatePrimitive: Primitive<{ axis: number }> = primitive({
  name: 'concatenate',
  differentiable: 'all',
  shape: (inputs, { axis }) => {
    const [first] = inputs;
    const total = inputs.reduce((length, x) => length + (x.shape[axis] ?? 0), 0);
    for (const x of inputs) {
      const sameRank = x.shape.length === first!.shape.length;
      if (!sameRank || x.shape.some((length, i) => i !== axis && length !== first!.shape[i])) {
        throw new LockstepError(
          'shape',
          `concatenate: ${inputs.map((y) => formatShape(y.shape)).join(', ')} ${
            sameRank
              ? `differ in an axis other than ${axis}; only that one may differ`
              : 'have different numbers of axes; add one with expandDims(), or join along a new one with stack()'
          }`,
          { op: 'concatenate', shapes: inputs.map((y) => y.shape), axis },
        );
      }
    }
    return { dtype: first!.dtype, shape: first!.shape.map((length, i) => (i === axis ? total : length)) };
  },
  kernel: (out, inputs, { axis }) => {
    const strides = stridesOf(out.shape);
    let at = 0;
    const parts = inputs.map((x) => {
      const attrs = { shape: x.shape, strides, offset: at * strides[axis]! };
      at += x.shape[axis]!;
      return { data: x.data, attrs };
    });
    return (kernels) => {
      for (const { data, attrs } of parts) kernels.writeStrided(out.data, data, attrs);
    };
  },
  jvp: (t, argument, inputs, out, { axis }) => {
    const start = offsetOf(inputs, argument, axis);
    const widths = out.shape.map((length, i): [number, number] =>
      i === axis ? [start, length - start - t.shape[axis]!] : [0, 0],
    );
    return padZeros(t, widths);
  },
  jvpTogether: (tangents, inputs, { axis }) =>
    bind(
      concatenatePrimitive,
      inputs.map((x, i) => tangents[i] ?? zerosLike(x)),
      { axis },
    ),
  vjp: (ct, argument, inputs, _out, { axis }) => {
    const start = offsetOf(inputs, argument, axis);
    const length = inputs[argument]!.shape[axis]!;
    return slice(
      ct,
      ct.shape.map((_, i) => (i === axis ? start : 0)),
      ct.shape.map((size, i) => (i === axis ? start + length : size)),
    );
  },
  batch: (inputs, batched, { axis }, { size }) =>
    batchedAs(
      concatenate(
        inputs.map((x, i) => (batched[i] ? x : repeatInFront(x, size))),
        axis + 1,
      ),
    ),
});

const offsetOf = (inputs: readonly Tensor[], argument: number, axis: number): number =>
  inputs.slice(0, argument).reduce((offset, x) => offset + x.shape[axis]!, 0);

/**
 * The most arrays that one primitive joins. Each of their tangents is padded to the whole, so the whole must be a small
 * number of them.
 */
const maxPieces = 32;

const checkConcatenate = signature('concatenate', {
  xs: listOf(aTensor, 'a list of tensors'),
  'axis?': anAxis,
});

/** Joins arrays along an existing axis. Time and gradients grow as n·log n with the number of arrays. */
export function concatenate(xs: readonly Tensor[], axis = 0): Tensor {
  checkConcatenate(xs, axis);
  if (xs.length === 0)
    throw new LockstepError('argument', 'concatenate: needs at least one array', { op: 'concatenate' });
  const at = normalizeAxis('concatenate', axis, xs[0]!.rank);
  let pieces: readonly Tensor[] = asTensors('concatenate', ...xs);
  while (pieces.length > 1) {
    const groups: Tensor[] = [];
    for (let i = 0; i < pieces.length; i += maxPieces) {
      const group = pieces.slice(i, i + maxPieces);
      groups.push(group.length === 1 ? group[0]! : bind(concatenatePrimitive, group, { axis: at }));
    }
    pieces = groups;
  }
  return pieces[0]!;
}

const checkStack = signature('stack', { xs: listOf(tensorLike, 'a list of tensors'), 'axis?': anAxis });

/** Joins arrays of equal shapes along a new axis. */
export function stack(xs: readonly TensorLike[], axis = 0): Tensor {
  checkStack(xs, axis);
  const tensors = asTensors('stack', ...xs);
  const at = normalizeAxis('stack', axis, (tensors[0]?.rank ?? 0) + 1);
  const shapes = tensors.map((x) => x.shape);
  if (shapes.some((shape) => !sameShape(shape, shapes[0]!))) {
    throw new LockstepError(
      'shape',
      `stack: ${shapes.map(formatShape).join(', ')} differ; stack joins arrays of equal shapes along a new axis, concatenate joins along an existing one`,
      { op: 'stack', shapes },
    );
  }
  return concatenate(
    tensors.map((x) => reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])),
    at,
  );
}
