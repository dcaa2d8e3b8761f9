/** Readers from the element types of files (little-endian) to the element types of this library. */
import { LockstepError } from '@lockstep/errors';
import { type DType, type TypedArray, viewOf } from '@lockstep/tensor';
import type { OwnBytes } from './ranges.ts';

interface ElementReader {
  readonly dtype: DType;
  /** Bytes of one element in the file. */
  readonly numBytes: number;
  /** `what` names the array in messages. */
  read(bytes: OwnBytes, what: string): TypedArray;
}

/** The readable element types: those of this library unchanged, others by a conversion that changes no value. */
export const elementReaders = {
  float32: own('float32', 4),
  float64: own('float64', 8),
  int32: own('int32', 4),
  uint32: own('uint32', 4),
  bool: { dtype: 'bool', numBytes: 1, read: readBools },
  float16: { dtype: 'float32', numBytes: 2, read: (bytes) => widened(bytes, floatOfHalf) },
  bfloat16: { dtype: 'float32', numBytes: 2, read: (bytes) => widened(bytes, (half) => half << 16) },
  int8: { dtype: 'int32', numBytes: 1, read: (bytes) => Int32Array.from(new Int8Array(bytes.buffer)) },
  uint8: { dtype: 'int32', numBytes: 1, read: (bytes) => Int32Array.from(bytes) },
  int16: { dtype: 'int32', numBytes: 2, read: (bytes) => Int32Array.from(new Int16Array(bytes.buffer)) },
  uint16: { dtype: 'int32', numBytes: 2, read: (bytes) => Int32Array.from(new Uint16Array(bytes.buffer)) },
  int64: {
    dtype: 'int32',
    numBytes: 8,
    read: (bytes, what) => narrowed(new BigInt64Array(bytes.buffer), 'int32', what),
  },
  uint64: {
    dtype: 'uint32',
    numBytes: 8,
    read: (bytes, what) => narrowed(new BigUint64Array(bytes.buffer), 'uint32', what),
  },
} as const satisfies Record<string, ElementReader>;

export type ElementType = keyof typeof elementReaders;

function own(dtype: DType, numBytes: number): ElementReader {
  return { dtype, numBytes, read: (bytes) => viewOf(dtype, bytes.buffer, 0, bytes.length / numBytes) };
}

function readBools(bytes: OwnBytes, what: string): Uint8Array {
  const other = bytes.findIndex((byte) => byte > 1);
  if (other < 0) return bytes;
  throw unfit(`element ${other} of ${what} is ${bytes[other]}, which is no boolean; 0 and 1 are`);
}

/** Converts 16-bit elements to float32 by the bits that `bitsOf` returns, so that NaN payloads are kept. */
function widened(bytes: OwnBytes, bitsOf: (half: number) => number): Float32Array {
  const bits = Int32Array.from(new Uint16Array(bytes.buffer), bitsOf);
  return new Float32Array(bits.buffer);
}

/** Converts IEEE 754 binary16 to binary32: 5 bits of exponent with bias 15 become 8 bits with bias 127. */
function floatOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal is fraction · 2⁻²⁴, which is a normal float32.
  let shift = 0;
  for (; (fraction & 0x400) === 0; shift++) fraction <<= 1;
  return sign | ((113 - shift) << 23) | ((fraction & 0x3ff) << 13);
}

function narrowed(
  wide: BigInt64Array | BigUint64Array,
  dtype: 'int32' | 'uint32',
  what: string,
): Int32Array | Uint32Array {
  const narrow = dtype === 'int32' ? new Int32Array(wide.length) : new Uint32Array(wide.length);
  for (const [i, value] of wide.entries()) {
    narrow[i] = Number(BigInt.asIntN(32, value));
    if (BigInt(narrow[i]!) !== value) {
      throw unfit(
        `element ${i} of ${what} is ${value}, which ${dtype} cannot hold; save it as ${dtype} or as floating point`,
      );
    }
  }
  return narrow;
}

function unfit(message: string): LockstepError {
  return new LockstepError('data', message);
}
