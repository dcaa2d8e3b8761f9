import { concatenate, foldIn, normal, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, sizeOf } from '@lockstep/tensor';
import type { Initializer } from './fans.ts';

/**
 * A kernel whose outputs (or inputs, whichever are fewer) are orthogonal directions of length `gain`, uniformly
 * distributed among all such (Saxe, McClelland and Ganguli, 2014); a convolution's counts as [kh·kw·in, out].
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (key, shape) => {
    if (shape.length < 2) {
      throw new LockstepError(
        'shape',
        `orthogonal: a parameter of shape ${formatShape(shape)} has no directions; give a kernel [.., in, out]`,
        { shape },
      );
    }
    const [numIn, numOut] = [sizeOf(shape.slice(0, -1)), shape.at(-1)!];
    const [count, length] = [Math.min(numIn, numOut), Math.max(numIn, numOut)];
    // In float64: what is left of a vector after the others are taken off it has few digits of its own.
    const rows = orthonormal(normal(foldIn(key, 'directions'), [count, length], 'float64'));
    const kernel = numIn < numOut ? rows : rows.transpose();
    return kernel.mul(gain).cast('float32').reshape(shape);
  };

/**
 * Rows made orthogonal one after the other, each of length 1: modified Gram and Schmidt's, a division of the rows that
 * halves them again and again so that most of the work is products of matrices. [count, length ≥ count]
 */
function orthonormal(rows: Tensor): Tensor {
  const [count, length] = rows.shape as [number, number];
  if (count === 1) return rows.div(rows.square().sum().sqrt());
  const half = count >> 1;
  const first = orthonormal(rows.slice([0], [half]));
  const off = (x: Tensor): Tensor => x.sub(x.matmul(first, { transposeB: true }).matmul(first));
  // Twice is enough (Kahan, in Parlett, 1980): once leaves an error of the part that was taken off.
  const rest = orthonormal(off(off(rows.slice([half], [count, length]))));
  return concatenate([first, rest]);
}
