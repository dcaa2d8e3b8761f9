/**
 * Random numbers from a key: pure functions of (key, element), so that they are the same wherever and whenever they
 * are drawn. A key is a uint32 tensor of two words and a run-time input of a program, never a constant of its trace.
 */
import { LockstepError } from '@lockstep/errors';
import { foldIn as foldInKey, type Key, keyFromSeed } from '@lockstep/rng';
import { type FloatDType, formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import { requireLengths, tensor } from '../convert.ts';
import { bind, type Primitive, type Tensor } from '../core.ts';
import { batchedAs, primitive } from '../define.ts';
import { add, cos, less, log, mul, neg, requireFloat, sqrt, sub } from './elementwise.ts';
import { reshape } from './structural.ts';

/** The key of a seed (a whole number from 0 to 2^53 − 1), or of two uint32 words. uint32 [2] */
export function keyTensor(seed: number | Key): Tensor {
  if (typeof seed !== 'number') return tensor([...seed], { dtype: 'uint32' });
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new LockstepError('argument', `keyTensor: the seed is ${seed}; use a whole number of at least 0`, {
      op: 'keyTensor',
      seed,
    });
  }
  return tensor(Uint32Array.from(keyFromSeed(seed)));
}

export function requireKey(op: string, key: Tensor): void {
  if (key.dtype !== 'uint32' || key.shape.at(-1) !== 2) {
    throw new LockstepError(
      'argument',
      `${op}: a key is a uint32 tensor [2], not ${key.dtype}${formatShape(key.shape)}; make one with keyTensor(seed)`,
      {
        op,
        dtype: key.dtype,
        shape: key.shape,
      },
    );
  }
}

const foldInPrimitive: Primitive<{ data: number | string }> = primitive({
  name: 'foldIn',
  differentiable: [],
  shape: ([key]) => ({ dtype: 'uint32', shape: key!.shape }),
  kernel: (out, [keys], { data }) => {
    const [from, to] = [keys!.data, out.data];
    return () => {
      for (let i = 0; i < from.length; i += 2) {
        const [k0, k1] = foldInKey([from[i]!, from[i + 1]!], data);
        to[i] = k0;
        to[i + 1] = k1;
      }
    };
  },
  batch: ([key], _batched, attrs) => batchedAs(bind(foldInPrimitive, [key!], attrs)),
});

/** A new key for a use of its own: a layer's path, a purpose, a counter (uint32). uint32 [2] → [2] */
export function foldIn(key: Tensor, data: number | string): Tensor {
  requireKey('foldIn', key);
  if (typeof data !== 'string' && data >>> 0 !== data) {
    throw new LockstepError(
      'argument',
      `foldIn: folds a whole number in 0 … 2³² − 1 or a string into a key, not ${data}; for a tensor that counts turns take keys from splitKey, one for each turn`,
      { op: 'foldIn', data: String(data) },
    );
  }
  return bind(foldInPrimitive, [key], { data });
}

/** keys [.., 2] → [.., ...shape] */
const randomBitsPrimitive: Primitive<{ shape: Shape }> = primitive({
  name: 'randomBits',
  differentiable: [],
  shape: ([key], { shape }) => ({ dtype: 'uint32', shape: [...key!.shape.slice(0, -1), ...shape] }),
  kernel: (out, [keys], { shape }) => {
    const size = sizeOf(shape);
    const runs = Array.from({ length: keys!.data.length / 2 }, (_, i) => ({
      key: keys!.data.subarray(2 * i, 2 * i + 2) as Uint32Array,
      bits: out.data.subarray(i * size, (i + 1) * size) as Uint32Array,
    }));
    return (kernels) => {
      for (const { key, bits } of runs) kernels.randomBits(bits, key);
    };
  },
  batch: ([key], _batched, attrs) => batchedAs(bind(randomBitsPrimitive, [key!], attrs)),
});

/** Independent uniform bits. uint32 `shape` */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  requireKey('randomBits', key);
  requireLengths('randomBits', shape);
  return bind(randomBitsPrimitive, [key], { shape });
}

/** `count` keys, unrelated to each other and to what is drawn from `key`, for `vmap` and `scan` to go over. uint32 [count, 2] */
export const splitKey = (key: Tensor, count = 2): Tensor => randomBits(foldIn(key, 'split'), [count, 2]);

const unitFromBitsPrimitive: Primitive<{ dtype: FloatDType }> = primitive({
  name: 'unitFromBits',
  differentiable: [],
  shape: ([bits], { dtype }) => {
    requireFloat('a random draw', { dtype });
    return { dtype, shape: bits!.shape };
  },
  kernel:
    (out, [bits]) =>
    (kernels) =>
      kernels.unitFromBits(out.data, bits!.data as Uint32Array),
  batch: ([bits], _batched, attrs) => batchedAs(bind(unitFromBitsPrimitive, [bits!], attrs)),
});

/** Uniform in [low, high), in steps of 2⁻²⁴ of the range. */
export function uniform(key: Tensor, shape: Shape, low = 0, high = 1, dtype: FloatDType = 'float32'): Tensor {
  const unit = bind(unitFromBitsPrimitive, [randomBits(key, shape)], { dtype });
  return low === 0 && high === 1 ? unit : add(mul(unit, high - low), low);
}

/** Standard normal by Box and Muller (1958): √(−2 ln u)·cos 2πv. */
export function normal(key: Tensor, shape: Shape, dtype: FloatDType = 'float32'): Tensor {
  const size = sizeOf(shape);
  const u = sub(1, uniform(foldIn(key, 0), [size], 0, 1, dtype));
  const v = uniform(foldIn(key, 1), [size], 0, 1, dtype);
  return reshape(mul(sqrt(mul(neg(log(u)), 2)), cos(mul(v, 2 * Math.PI))), shape);
}

/** True with the given probability. bool `shape` */
export function bernoulli(key: Tensor, probability: number, shape: Shape): Tensor {
  return less(uniform(key, shape), probability);
}
