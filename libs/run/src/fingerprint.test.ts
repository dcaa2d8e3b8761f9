import { expect, it } from 'vitest';
import { fingerprint } from './fingerprint.ts';

const variables = [{ name: 'w', dtype: 'float32', shape: [2] }] as const;
const ofBits = (...bits: readonly number[]): string =>
  fingerprint(variables, [new Float32Array(Uint32Array.from(bits).buffer)]);

it('distinguishes every bit of numbers, but no NaN from another', () => {
  const [one, zero, negativeZero] = [0x3f800000, 0, 0x80000000];
  const [nan, negativeNaN, otherNaN] = [0x7fc00000, 0xffc00000, 0x7fc00001];
  expect(ofBits(one, zero)).not.toBe(ofBits(one, negativeZero));
  expect(ofBits(one, negativeNaN)).toBe(ofBits(one, nan));
  expect(ofBits(one, otherNaN)).toBe(ofBits(one, nan));
  expect(ofBits(nan, one)).not.toBe(ofBits(one, nan));
});

it('does not change the array', () => {
  const bits = Uint32Array.of(0xffc00000, 1);
  fingerprint(variables, [new Float32Array(bits.buffer)]);
  expect([...bits]).toEqual([0xffc00000, 1]);
});
