import { describe, expect, it } from 'vitest';
import { fma } from './fma.ts';
import { referenceKernels } from './index.ts';

const { fround } = Math;

/** A float32 as an integer number of units of 2⁻¹⁴⁹. */
function units(x: number): bigint {
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  const exponent = (bits >>> 23) & 255;
  const fraction = BigInt(bits & 0x7fffff);
  const magnitude = exponent === 0 ? fraction : (fraction | 0x800000n) << BigInt(exponent - 1);
  return bits >>> 31 ? -magnitude : magnitude;
}

/** |value|·2⁻²⁹⁸ rounded to float32, ties to even. */
function round(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  const length = magnitude.toString(2).length;
  // The last bit that remains: that of a 24-bit significand, but at least 2⁻¹⁴⁹.
  const dropped = BigInt(Math.max(length - 24, 149));
  const half = 1n << (dropped - 1n);
  const rest = magnitude & ((1n << dropped) - 1n);
  let kept = magnitude >> dropped;
  if (rest > half || (rest === half && kept % 2n === 1n)) kept++;
  const result = fround(Number(kept) * 2 ** (Number(dropped) - 298));
  return value < 0n ? -result : result;
}

/** The fused multiply-add in integers. float64 computes the results that are infinities, NaN and zeros. */
function exact(acc: number, a: number, b: number): number {
  const plain = acc + a * b;
  if (!Number.isFinite(plain)) return plain;
  const sum = (units(acc) << 149n) + units(a) * units(b);
  return sum === 0n ? plain : round(sum);
}

function expectExact(acc: number, a: number, b: number): void {
  const [actual, expected] = [fma(acc, a, b), exact(acc, a, b)];
  if (!Object.is(actual, expected)) {
    expect.fail(`${acc} + ${a} · ${b}: got ${actual}, expected ${expected}`);
  }
}

let state = 7;
function random32(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
}
const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);
/** Any float32. */
function anyFloat(): number {
  bits[0] = random32() ^ (random32() >>> 16);
  return float[0]!;
}
/** A float32 with an exponent near 0 whose significand ends in many zeros or ones. Sums of such numbers often lie half-way. */
function simpleFloat(): number {
  const significand = (random32() >>> 28) + (random32() & 0x80000000 ? 2 ** 23 : 2 ** 24 - 16);
  return significand * 2 ** ((random32() >>> 27) - 32) * (random32() & 0x80000000 ? -1 : 1);
}

const SPECIAL = [
  ...[0, 1, 3, 1 + 2 ** -23, 1 - 2 ** -24, 2 ** 12, 2 ** 12 + 1, 2 ** 23 + 1, 2 ** 24 - 1, 2 ** -24],
  ...[2 ** -149, 3 * 2 ** -149, 2 ** -75, 2 ** -74, 2 ** -126, 2 ** -126 - 2 ** -149, 2 ** -101, 2 ** -12],
  ...[2 ** 127, 2 ** 128 - 2 ** 104, 2 ** 64, 2 ** 104, 2 ** 103, Infinity],
].flatMap((x) => [x, -x]);

describe('fma', () => {
  it('is exact for all triples of special numbers', () => {
    for (const acc of [...SPECIAL, NaN]) {
      for (const a of [...SPECIAL, NaN]) {
        for (const b of SPECIAL) expectExact(acc, a, b);
      }
    }
  });

  it.each([
    ['any', anyFloat, 100_000],
    ['simple', simpleFloat, 100_000],
  ] as const)('is exact for random %s numbers', (_, next, count) => {
    for (let i = 0; i < count; i++) expectExact(next(), next(), next());
  });

  it('rounds once where rounding twice differs', () => {
    // Products so close to half a unit of `acc` that float64 rounds their sum to the half-way point.
    const below = [1 + 2 ** -23, 1 - 2 ** -23] as const;
    const above = [1 + 2 ** -12, 1 - 2 ** -12 + 2 ** -24] as const;
    expect(fma(1 + 2 ** -23, below[0], below[1] * 2 ** -24)).toBe(1 + 2 ** -23);
    expect(fma(1, above[0], above[1] * 2 ** -24)).toBe(1 + 2 ** -23);
    let numDifferent = 0;
    for (let i = 0; i < 20_000; i++) {
      const acc = (i % 4 < 2 ? 1 : -1) * (1 + (random32() >>> 9) * 2 ** -23);
      for (const [a, b] of [below, above]) {
        const half = (i % 2 ? 1 : -1) * b * 2 ** -24;
        expectExact(acc, a, half);
        if (fma(acc, a, half) !== fround(acc + a * half)) numDifferent++;
      }
    }
    expect(numDifferent).toBeGreaterThan(5000);
  });

  it('rounds denormals once', () => {
    for (const odd of [1, 3, 2 ** 23 - 1]) {
      for (const sign of [1, -1]) {
        expectExact(odd * 2 ** -149, sign * 2 ** -149, 0.5);
        expectExact(odd * 2 ** -149, sign * 2 ** -149, fround(0.5 + 2 ** -24));
        expectExact(odd * 2 ** -149, sign * 2 ** -149, fround(0.5 - 2 ** -25));
        expectExact(odd * 2 ** -149, sign * 2 ** -149, 2 ** -149);
      }
    }
  });

  it('overflows like a sum that is rounded once', () => {
    const largest = 2 ** 128 - 2 ** 104;
    expect(fma(largest, 2 ** 52, 2 ** 51)).toBe(Infinity);
    expect(fma(largest, fround(2 ** 52 * (1 - 2 ** -24)), fround(2 ** 51 * (1 + 2 ** -23)))).toBe(Infinity);
    for (const [a, b] of [
      [1 - 2 ** -24, 1],
      [1 - 2 ** -24, 1 + 2 ** -23],
      [1 - 2 ** -23, 1 + 2 ** -23],
      [1, 1 + 2 ** -23],
    ] as const) {
      expectExact(largest, 2 ** 52 * a, 2 ** 51 * b);
      expectExact(-largest, 2 ** 52 * a, -(2 ** 51) * b);
    }
    expect(fma(-largest, -(2 ** 52), 2 ** 51)).toBe(-Infinity);
  });

  it('keeps the signs of zeros', () => {
    expect(fma(-0, -0, 1)).toBe(-0);
    expect(fma(0, -0, 1)).toBe(0);
    expect(fma(1, -1, 1)).toBe(0);
    expect(fma(-0, -(2 ** -149), 2 ** -149)).toBe(-0);
  });
});

describe('the reference of profile fma', () => {
  it('chains fused multiply-adds in float32 and equals portable in other dtypes', () => {
    const kernels = referenceKernels('fma');
    expect(kernels.profile).toBe('fma');
    expect(kernels.reduce).toBe(referenceKernels().reduce);
    const attrs = { batch: 1, m: 1, n: 1, k: 3, transposeA: false, transposeB: false } as const;
    const a = Array.from({ length: 3 }, () => fround(anyFloatOfOne()));
    const b = Array.from({ length: 3 }, () => fround(anyFloatOfOne()));
    const out = new Float32Array(1);
    const whole = { ...attrs, batchA: true, batchB: true };
    kernels.matmul(out, Float32Array.from(a), Float32Array.from(b), whole);
    expect(out[0]).toBe(exact(exact(exact(0, a[0]!, b[0]!), a[1]!, b[1]!), a[2]!, b[2]!));
    const wide = new Float64Array(1);
    kernels.matmul(wide, Float64Array.from(a), Float64Array.from(b), whole);
    expect(wide[0]).toBe(a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!);
  });
});

/** Numbers in [1, 2). */
function anyFloatOfOne(): number {
  return 1 + random32() / 2 ** 32;
}
