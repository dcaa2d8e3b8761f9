import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromJson, pack, toJson, unpack } from './pack.ts';

const arrays = fc.oneof(
  fc.array(fc.double()).map((values) => Float64Array.from(values)),
  fc.array(fc.float()).map((values) => Float64Array.from(values)),
  fc
    .tuple(fc.integer(), fc.integer({ min: -9, max: 9 }), fc.nat(20))
    .map(([first, difference, length]) => Float64Array.from({ length }, (_, i) => first + i * difference)),
);

const texts = fc.oneof(fc.string(), fc.constantFrom('\0', '\0NaN', '\0range 0 1 3', '\0\0', 'NaN'));

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
    texts,
    arrays,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true })
      .filter((one) => !Object.hasOwn(one, '__proto__')),
  ),
}));

describe('pack', () => {
  it('gives back every value', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(unpack(pack(one))).toEqual(one);
      }),
    );
  });

  it('gives back values that begin anywhere in a buffer', () => {
    const bytes = pack({ values: Float64Array.of(0.1, 0.2, 0.3) });
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(unpack(moved.subarray(3))).toEqual({ values: Float64Array.of(0.1, 0.2, 0.3) });
    // Node's buffers share memory, and their `slice` does too.
    expect(unpack(Buffer.from(bytes))).toEqual({ values: Float64Array.of(0.1, 0.2, 0.3) });
  });

  it('writes steps as their first and their distance, and float32 values in four bytes', () => {
    const steps = Float64Array.from({ length: 1_000 }, (_, i) => 5 + 2 * i);
    const losses = Float64Array.from({ length: 1_000 }, (_, i) => Math.fround(1 / (i + 1)));
    expect(pack(steps).length).toBeLessThan(60);
    expect(pack(losses).length).toBeLessThan(4_060);
    expect(pack(losses.map((loss) => loss + 1e-12)).length).toBeGreaterThan(8_000);
  });

  it('refuses bytes that were cut short', () => {
    const bytes = pack({ values: Float64Array.of(0.1, 0.2) });
    for (const length of [0, 3, 12, bytes.length - 8]) {
      expect(() => unpack(bytes.subarray(0, length))).toThrow(/read .* again/);
    }
  });
});

describe('toJson', () => {
  it('has numbers that JSON lacks', () => {
    const value = { values: [1, Number.NaN, Number.NEGATIVE_INFINITY], text: 'NaN' };
    expect(fromJson(toJson(value))).toEqual(value);
  });

  it('writes arrays as lists, on one line', () => {
    const text = toJson({ values: Float64Array.of(1, Number.NaN), text: 'a\nb' });
    expect(text).not.toContain('\n');
    expect(fromJson(text)).toEqual({ values: [1, Number.NaN], text: 'a\nb' });
  });
});
