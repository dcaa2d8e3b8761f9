/**
 * Random numbers from a key. They are pure functions of (key, element), so they do not depend on where and when they
 * are drawn. A key is a uint32 tensor of two words and a run-time input of a program, never a constant of its trace.
 */

import { aNumber, anything, either, LockstepError, signature, whole } from '@lockstep/errors';
import { foldIn as foldInKey, type Key, keyFromSeed } from '@lockstep/rng';
import { type FloatDType, formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import { requireLengths, tensor } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aFloatDType, aShape, aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, mul } from '../elementwise/fusible.ts';

const aWord = whole(0);

const aSeed = either(aNumber, {
  what: 'a list of two uint32 words',
  fits: (value) =>
    (Array.isArray(value) || value instanceof Uint32Array) &&
    value.length === 2 &&
    [...value].every(aWord.fits),
});

const checkKeyTensor = signature('keyTensor', { seed: aSeed });

/** The key of a seed (a whole number from 0 to 2^53 − 1), or of two uint32 words. uint32 [2] */
export function keyTensor(seed: number | Key): Tensor {
  checkKeyTensor(seed);
  if (typeof seed !== 'number') return tensor([...seed], { dtype: 'uint32' });
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new LockstepError(
      'argument',
      `keyTensor: the seed is ${seed}; use a whole number from 0 to 2⁵³ − 1`,
      {
        op: 'keyTensor',
        seed,
      },
    );
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

const checkFoldIn = signature('foldIn', { key: aTensor, data: anything });

/** A new key for a separate use: a layer's path, a purpose, a counter (uint32). uint32 [2] → [2] */
export function foldIn(key: Tensor, data: number | string): Tensor {
  checkFoldIn(key, data);
  requireKey('foldIn', key);
  if (typeof data !== 'string' && data >>> 0 !== data) {
    throw new LockstepError(
      'argument',
      `foldIn: folds a whole number in 0 … 2³² − 1 or a string into a key, not ${data}; to get a key for each turn of a loop, use splitKey`,
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

const checkRandomBits = signature('randomBits', { key: aTensor, shape: aShape });

/** Independent uniform bits. uint32 `shape` */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  checkRandomBits(key, shape);
  requireKey('randomBits', key);
  requireLengths('randomBits', shape);
  return bind(randomBitsPrimitive, [key], { shape });
}

const unitFromBitsPrimitive: Primitive<{ dtype: FloatDType }> = primitive({
  name: 'unitFromBits',
  differentiable: [],
  shape: ([bits], { dtype }) => {
    return { dtype, shape: bits!.shape };
  },
  kernel:
    (out, [bits]) =>
    (kernels) =>
      kernels.unitFromBits(out.data, bits!.data as Uint32Array),
  batch: ([bits], _batched, attrs) => batchedAs(bind(unitFromBitsPrimitive, [bits!], attrs)),
});

const checkUniform = signature('uniform', {
  key: aTensor,
  shape: aShape,
  'low?': aNumber,
  'high?': aNumber,
  'dtype?': aFloatDType,
});

/** Uniform in [low, high), in steps of 2⁻²⁴ of the range. */
export function uniform(key: Tensor, shape: Shape, low = 0, high = 1, dtype: FloatDType = 'float32'): Tensor {
  checkUniform(key, shape, low, high, dtype);
  const unit = bind(unitFromBitsPrimitive, [randomBits(key, shape)], { dtype });
  return low === 0 && high === 1 ? unit : add(mul(unit, high - low), low);
}
