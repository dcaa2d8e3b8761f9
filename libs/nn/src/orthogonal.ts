import { foldIn, normal, qr } from '@lockstep/autodiff';
import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { formatShape, sizeOf } from '@lockstep/tensor';
import type { Initializer } from './fans.ts';
import { aShape, aTensor } from './kinds.ts';

const checkDraw = signature('orthogonal', { key: aTensor, shape: aShape, 'fans?': aShape });
const checkOrthogonal = signature('orthogonal', { 'gain?': aNumber });

/**
 * A kernel whose outputs (or inputs, if these are fewer) are orthogonal directions of length `gain`, uniformly
 * distributed among all such kernels (Saxe, McClelland and Ganguli, 2014); a convolution's kernel counts as
 * [kh·kw·in, out].
 */
export function orthogonal(gain = 1): Initializer {
  checkOrthogonal(gain);
  return (key, shape, fans) => {
    checkDraw(key, shape, fans);
    if (shape.length < 2) {
      throw new LockstepError(
        'shape',
        `orthogonal: a parameter of shape ${formatShape(shape)} has no directions; give a kernel [.., in, out]`,
        { shape },
      );
    }
    const [numIn, numOut] = [sizeOf(shape.slice(0, -1)), shape.at(-1)!];
    const [count, length] = [Math.min(numIn, numOut), Math.max(numIn, numOut)];
    // Gram-Schmidt of normal vectors; uniform, since r's diagonal is positive. In float64, as the process loses digits.
    const { q } = qr(normal(foldIn(key, 'directions'), [length, count], 'float64'));
    const kernel = numIn < numOut ? q.transpose() : q;
    return kernel.mul(gain).cast('float32').reshape(shape);
  };
}
