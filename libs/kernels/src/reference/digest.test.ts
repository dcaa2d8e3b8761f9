import { type TypedArray, viewOf } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { bools, plain, randomInt, seedRandom } from '../fixtures/random.ts';
import { digest } from './digest.ts';

function digestOf(x: TypedArray): bigint {
  const out = new Uint32Array(2);
  digest(out, x);
  return BigInt(out[0]!) | (BigInt(out[1]!) << 32n);
}

const bytesOf = (x: TypedArray) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

/** The specification in whole numbers, for bytes without NaN. */
function specified(bytes: Uint8Array): bigint {
  const [a, b] = [2654435769n, 3144134277n];
  const turn = (x: bigint, c: bigint) => {
    const sum = ((x & 0xffffffffn) * c + (x & 0xffffffff00000000n)) & (2n ** 64n - 1n);
    return (sum >> 32n) | ((sum & 0xffffffffn) << 32n);
  };
  const mix = (x: bigint) => turn(turn(x, a), b);
  const padded = new Uint8Array(Math.ceil(bytes.length / 256) * 256);
  padded.set(bytes);
  const words = new BigUint64Array(padded.buffer);
  let x = Array.from({ length: 32 }, (_, j) => {
    const [low, high] = [BigInt(2 * j + 1) * a, BigInt(2 * j + 2) * a];
    return (low % 2n ** 32n) + (high % 2n ** 32n) * 2n ** 32n;
  });
  for (let start = 0; start < words.length; start += 32)
    x = x.map((lane, j) => mix(lane ^ words[start + j]!));
  for (; x.length > 1; x = x.slice(0, x.length / 2)) {
    const half = x.length / 2;
    x = x.map((lane, j) => (j < half ? mix(lane) ^ x[j + half]! : lane));
  }
  return mix(mix(x[0]! ^ BigInt(bytes.length)));
}

const count = (values: readonly bigint[]) => new Set(values).size;

describe('digest', () => {
  it('follows its specification', () => {
    seedRandom('specification');
    for (const size of [0, 1, 63, 64, 65, 1000, 3000]) {
      for (const x of [plain(size), Float64Array.from(plain(size)), bools(size)]) {
        expect(digestOf(x)).toBe(specified(bytesOf(x)));
      }
    }
    const constants = [(2 ** 32 * (Math.sqrt(5) - 1)) / 2, 2 ** 32 * (Math.sqrt(3) - 1)];
    expect(constants.map(Math.floor)).toEqual([2654435769, 3144134277]);
  });

  it('changes with every bit of the array, and so does about half of it', () => {
    seedRandom('bits');
    const x = plain(150);
    const bytes = bytesOf(x);
    const before = digestOf(x);
    const seen = [before];
    let numChanged = 0;
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const after = digestOf(x);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      seen.push(after);
      const changed = (before ^ after).toString(2).replaceAll('0', '').length;
      expect(changed).toBeGreaterThan(8);
      numChanged += changed;
    }
    expect(count(seen)).toBe(4801);
    expect(Math.abs(numChanged / 4800 - 32)).toBeLessThan(0.5);
  });

  it('changes when an element moves by one unit in the last place', () => {
    seedRandom('ulps');
    const x = plain(2000);
    const bits = new Int32Array(x.buffer);
    const before = digestOf(x);
    const after = Array.from({ length: 300 }, (_, i) => {
      bits[7 * (i >> 1) + 3]! += i % 2 === 0 ? 1 : -1;
      return digestOf(x);
    });
    // Every second change takes back the one before.
    expect(after.filter((value) => value === before)).toHaveLength(150);
    expect(count(after)).toBe(151);
  });

  it('changes when two elements or stripes change places', () => {
    seedRandom('places');
    const x = plain(1000);
    const before = digestOf(x);
    for (let trial = 0; trial < 300; trial++) {
      const [i, j] = [randomInt(1000), randomInt(1000)];
      const y = x.slice();
      [y[i], y[j]] = [x[j]!, x[i]!];
      expect(digestOf(y) === before, `${i} and ${j}`).toBe(x[i] === x[j]);
    }
    for (const distance of [64, 128, 640]) {
      const y = x.slice();
      y.set(x.subarray(0, 64), distance);
      y.set(x.subarray(distance, distance + 64), 0);
      expect(digestOf(y)).not.toBe(before);
    }
  });

  it('tells how many zeros there are, and where a one is', () => {
    const zeros = Array.from({ length: 1000 }, (_, size) => digestOf(new Uint8Array(size)));
    expect(count(zeros)).toBe(1000);
    const ones = Array.from({ length: 300 }, (_, i) => digestOf(new Float32Array(300).fill(1, i, i + 1)));
    expect(count(ones)).toBe(300);
  });

  it('tells −0 from +0', () => {
    const x = new Float32Array(200);
    const seen = [digestOf(x)];
    for (let i = 0; i < 200; i++) seen.push(digestOf(x.fill(-0, i, i + 1)));
    expect(count(seen)).toBe(201);
  });

  it('counts every NaN of a float array as one', () => {
    const x = Float32Array.of(1, Number.NaN, 3);
    for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff]) {
      const y = Float32Array.of(1, 2, 3);
      new Uint32Array(y.buffer)[1] = bits;
      expect(digestOf(y)).toBe(digestOf(x));
      const z = Float64Array.of(1, 2, 3);
      new Uint32Array(z.buffer).set([5, bits | 0x00f00000], 2);
      expect(digestOf(z)).toBe(digestOf(Float64Array.of(1, Number.NaN, 3)));
    }
    expect(digestOf(Float32Array.of(1, 3, Number.NaN))).not.toBe(digestOf(x));
    expect(digestOf(Float32Array.of(1, Number.POSITIVE_INFINITY, 3))).not.toBe(digestOf(x));
    const nan = (bits: number) => digestOf(Uint32Array.of(bits));
    expect(nan(0x7fc00000), 'integers have none').not.toBe(nan(0xffc00000));
  });

  it('depends on the bytes, not on their type or place', () => {
    seedRandom('bytes');
    const x = plain(1001);
    const memory = new SharedArrayBuffer(8 * 1001);
    for (const start of [0, 4, 36]) {
      const y = viewOf('float32', memory, start, 1001);
      y.set(x);
      expect(digestOf(y)).toBe(digestOf(x));
      expect(digestOf(viewOf('int32', memory, start, 1001))).toBe(digestOf(x));
      expect(digestOf(viewOf('bool', memory, start, 4004))).toBe(digestOf(x));
    }
    const bytes = new Uint8Array(5000).subarray(3);
    bytes.set(bytesOf(x));
    expect(digestOf(bytes.subarray(0, 4004))).toBe(digestOf(x));
  });
});
