import { expect, it } from 'vitest';
import { holds, isShort, wholeRange } from './dtype.ts';

it('integer types hold only integers of their range', () => {
  for (const [dtype, lowest, highest] of [
    ['int32', -(2 ** 31), 2 ** 31 - 1],
    ['uint32', 0, 2 ** 32 - 1],
    ['bool', 0, 1],
  ] as const) {
    expect(wholeRange(dtype)).toEqual([lowest, highest]);
    const numbers = [lowest, highest, -0, lowest - 1, highest + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY];
    expect(numbers.map((value) => holds(dtype, value))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  }
});

it('float types hold any number, rounded', () => {
  for (const value of [0.1, 1e300, Number.NaN, Number.NEGATIVE_INFINITY])
    expect(holds('float32', value)).toBe(true);
});

it('arrays of 8-bit and 16-bit integers are short', () => {
  expect([new Uint8Array(1), Buffer.alloc(1), new Int16Array(1)].map(isShort)).toEqual([true, true, true]);
  expect([new Int32Array(1), new Float32Array(1), new DataView(new ArrayBuffer(1))].map(isShort)).toEqual([
    false,
    false,
    false,
  ]);
});
