import { fillRandomBits } from '@lockstep/rng';
import type { TypedArray } from '@lockstep/tensor';

export function randomBits(out: Uint32Array, key: Uint32Array): void {
  fillRandomBits(out, [key[0]!, key[1]!]);
}

export function unitFromBits(out: TypedArray, bits: Uint32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = (bits[i]! >>> 8) * 2 ** -24;
}
