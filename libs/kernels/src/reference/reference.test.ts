import { LockstepError } from '@lockstep/errors';
import { threefry2x32 } from '@lockstep/rng';
import { describe, expect, it } from 'vitest';
import type { Conv2dAttrs, Operand } from '../kernels.ts';
import { referenceKernels } from './index.ts';

const kernels = referenceKernels();
const { fround } = Math;

/** Numbers in [−1, 1) that look random. */
function values(size: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

const full = (data: Operand['data']): Operand => ({ data, repeat: 1, period: data.length });

describe('elementwise kernels', () => {
  it('read operands as full arrays, scalars, trailing vectors and row values', () => {
    const out = new Float64Array(6);
    const x = full(Float64Array.of(1, 2, 3, 4, 5, 6));
    kernels.binary('mul', out, x, { data: Float64Array.of(10), repeat: 1, period: 1 });
    expect([...out]).toEqual([10, 20, 30, 40, 50, 60]);
    kernels.binary('add', out, x, { data: Float64Array.of(10, 20, 30), repeat: 1, period: 3 });
    expect([...out]).toEqual([11, 22, 33, 14, 25, 36]);
    kernels.binary('sub', out, x, { data: Float64Array.of(1, 4), repeat: 3, period: 2 });
    expect([...out]).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('round float32 once and wrap integers', () => {
    const sum = new Float32Array(1);
    kernels.binary('add', sum, full(Float32Array.of(16777216)), full(Float32Array.of(1)));
    expect(sum[0]).toBe(16777216);
    const product = new Int32Array(2);
    kernels.binary('mul', product, full(Int32Array.of(65537, -3)), full(Int32Array.of(65537, 5)));
    expect([...product]).toEqual([131073, -15]);
    kernels.binary('div', product, full(Int32Array.of(-7, 7)), full(Int32Array.of(2, 0)));
    expect([...product]).toEqual([-3, 0]);
  });

  it('round ties to even and keep the sign of zero', () => {
    const x = Float64Array.of(0.5, 1.5, 2.5, -0.5, -1.5, -0, 1e300, NaN, -2.4);
    const out = new Float64Array(x.length);
    kernels.unary('round', out, x);
    expect([...out]).toEqual([0, 2, 2, -0, -2, -0, 1e300, NaN, -2]);
  });

  it('follow the written rules for NaN and zeros', () => {
    const a = full(Float32Array.of(NaN, 1, 0, -0));
    const b = full(Float32Array.of(1, NaN, -0, 0));
    const out = new Float32Array(4);
    kernels.binary('max', out, a, b);
    expect([...out]).toEqual([NaN, NaN, 0, 0]);
    kernels.binary('min', out, a, b);
    expect([...out]).toEqual([NaN, NaN, -0, -0]);
    kernels.binary('reluGrad', out, full(Float32Array.of(5, 6, 7, 8)), full(Float32Array.of(NaN, 1, -1, 0)));
    expect([...out]).toEqual([0, 6, 0, 0]);
    kernels.unary('relu', out, Float32Array.of(NaN, -0, -1, 2));
    expect([...out]).toEqual([NaN, 0, 0, 2]);
    kernels.unary('flush', out, Float32Array.of(NaN, -9e-31, 1e-40, -1.1e-30));
    expect([...out]).toEqual([NaN, 0, 0, Math.fround(-1.1e-30)]);
  });

  it('cast by truncation and saturation', () => {
    const int = new Int32Array(5);
    kernels.cast(int, Float32Array.of(-1.9, 1.9, 3e9, -Infinity, NaN));
    expect([...int]).toEqual([-1, 1, 2147483647, -2147483648, 0]);
    const uint = new Uint32Array(2);
    kernels.cast(uint, Float64Array.of(-5, 1e12));
    expect([...uint]).toEqual([0, 4294967295]);
    const bool = new Uint8Array(3);
    kernels.cast(bool, Float64Array.of(0.1, -0, NaN));
    expect([...bool]).toEqual([1, 0, 1]);
  });

  it('name a dtype that they cannot take', () => {
    const ints = new Int32Array(1);
    expect(() => kernels.unary('exp', ints, ints)).toThrow(/exp: needs float32 or float64, got int32/);
    const bools = full(new Uint8Array(1));
    expect(() => kernels.binary('add', new Uint8Array(1), bools, bools)).toThrow(LockstepError);
  });
});

describe('strided views', () => {
  it('transpose, flip, broadcast and pad', () => {
    const x = Int32Array.of(1, 2, 3, 4, 5, 6);
    const out = new Int32Array(6);
    kernels.readStrided(out, x, { shape: [3, 2], strides: [1, 3], offset: 0 });
    expect([...out]).toEqual([1, 4, 2, 5, 3, 6]);
    kernels.readStrided(out, x, { shape: [6], strides: [-1], offset: 5 });
    expect([...out]).toEqual([6, 5, 4, 3, 2, 1]);
    kernels.readStrided(out, x, { shape: [3, 2], strides: [0, 1], offset: 2 });
    expect([...out]).toEqual([3, 4, 3, 4, 3, 4]);
    const padded = new Int32Array(8);
    kernels.writeStrided(padded, Int32Array.of(7, 8), { shape: [2], strides: [3], offset: 1 });
    expect([...padded]).toEqual([0, 7, 0, 0, 8, 0, 0, 0]);
  });
});

describe('sums', () => {
  it('are taken in 16 lanes along a contiguous axis', () => {
    const x = Float32Array.from(values(37));
    const lanes = new Float32Array(16);
    x.forEach((value, i) => {
      lanes[i % 16]! += value;
    });
    const pairwise = (list: Float32Array): number => {
      if (list.length === 1) return list[0]!;
      const half = list.length / 2;
      return pairwise(Float32Array.from({ length: half }, (_, j) => list[j]! + list[j + half]!));
    };
    const out = new Float32Array(1);
    kernels.reduce('sum', out, x, { outer: 1, size: 37, inner: 1 });
    expect(out[0]).toBe(pairwise(lanes));
  });

  /** The chain over elements `from` … `to − 1` of column j of two. */
  const chainOf = (x: Float32Array, j: number) => (from: number, to: number) => {
    let acc = 0;
    for (let i = from; i < to; i++) acc = fround(acc + x[2 * i + j]!);
    return acc;
  };

  it('are taken in blocks of 16 along a strided axis, combined in pairs', () => {
    const x = Float32Array.from(values(2 * 107));
    const out = new Float32Array(2);
    kernels.reduce('sum', out, x, { outer: 1, size: 107, inner: 2 });
    for (const j of [0, 1]) {
      const chain = chainOf(x, j);
      const two = (start: number) => fround(chain(start, start + 16) + chain(start + 16, start + 32));
      const four = fround(two(0) + two(32));
      // 107 = 64 + 32 + 11
      expect(out[j]).toBe(fround(four + fround(two(64) + chain(96, 107))));
    }
  });

  it('are taken along each lane of a long contiguous axis as along a strided axis', () => {
    const x = Float32Array.from(values(16 * 107));
    const [out, lanes] = [new Float32Array(1), new Float32Array(16)];
    kernels.reduce('sum', out, x, { outer: 1, size: 16 * 107, inner: 1 });
    kernels.reduce('sum', lanes, x, { outer: 1, size: 107, inner: 16 });
    for (let half = 8; half >= 1; half /= 2) {
      for (let j = 0; j < half; j++) lanes[j]! += lanes[j + half]!;
    }
    expect(out[0]).toBe(lanes[0]);
  });

  it('of the updates of a row are taken as along a strided axis', () => {
    const updates = Float32Array.from(values(2 * 300));
    const indices = Int32Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 0 : i % 3 === 1 ? 2 : 9));
    const [out, own] = [new Float32Array(6), new Float32Array(200)];
    kernels.scatterAdd(out, updates, indices, { rows: 3, width: 2 });
    for (let i = 0; i < 100; i++) own.set(updates.subarray(6 * i + 2, 6 * i + 4), 2 * i);
    const expected = new Float32Array(2);
    kernels.reduce('sum', expected, own, { outer: 1, size: 100, inner: 2 });
    expect([...out.subarray(2)]).toEqual([0, 0, ...expected]);
  });

  it('agree with a plain sum in float64', () => {
    const x = values(5 * 77 * 3);
    const out = new Float64Array(15);
    kernels.reduce('sum', out, x, { outer: 5, size: 77, inner: 3 });
    for (let o = 0; o < 5; o++) {
      for (let j = 0; j < 3; j++) {
        let sum = 0;
        for (let i = 0; i < 77; i++) sum += x[(o * 77 + i) * 3 + j]!;
        expect(out[o * 3 + j]).toBeCloseTo(sum, 12);
      }
    }
  });

  it('without elements are 0, −∞ and +∞', () => {
    const out = new Float64Array(1);
    const empty = { outer: 1, size: 0, inner: 1 };
    const results = (['sum', 'max', 'min'] as const).map((op) => {
      kernels.reduce(op, out, new Float64Array(0), empty);
      return out[0];
    });
    expect(results).toEqual([0, -Infinity, Infinity]);
  });

  it('argmax takes the first of equal elements and the first NaN', () => {
    const out = new Int32Array(3);
    kernels.argmax(out, Float64Array.of(1, 3, 3, 5, NaN, NaN, -2, -1, -3), { outer: 3, size: 3, inner: 1 });
    expect([...out]).toEqual([1, 1, 1]);
  });

  it('over segments follow the binary tree', () => {
    const x = Float32Array.of(1e8, 1, -1e8, 1);
    const out = new Float32Array(1);
    kernels.treeSum(out, x, { segments: 4, size: 1 });
    expect(out[0]).toBe(fround(fround(1e8 + 1) + fround(-1e8 + 1)));
    expect(() => kernels.treeSum(out, x, { segments: 3, size: 1 })).toThrow(/power of two, got 3/);
  });
});

describe('moments', () => {
  it('are weighted counts, means and centred squares, and combine to those of all samples', () => {
    const [segments, rows, inner, channels] = [4, 3, 5, 2];
    const x = values(segments * rows * inner * channels);
    const weights = Float64Array.from({ length: segments * rows }, (_, i) => (i % 4 === 3 ? 0 : 1));
    const out = new Float64Array(segments * (1 + 2 * channels));
    kernels.moments(out, x, weights, { segments, rows, inner, channels });
    const total = new Float64Array(1 + 2 * channels);
    kernels.treeMoments(total, out, { segments, channels });
    for (let c = 0; c < channels; c++) {
      const taken = [...x].filter(
        (_, i) => i % channels === c && weights[Math.floor(i / (channels * inner))],
      );
      const mean = taken.reduce((sum, value) => sum + value, 0) / taken.length;
      expect(total[0]).toBe(taken.length);
      expect(total[1 + c]).toBeCloseTo(mean, 12);
      const squares = taken.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      expect(total[1 + channels + c]).toBeCloseTo(squares, 12);
    }
  });

  it('of empty segments are zeros and do not change the others', () => {
    const out = new Float64Array(6);
    const attrs = { segments: 2, rows: 2, inner: 1, channels: 1 };
    kernels.moments(out, Float64Array.of(3, 5, 7, 9), Float64Array.of(0, 0, 1, 1), attrs);
    expect([...out]).toEqual([0, 0, 0, 2, 8, 2]);
    const total = new Float64Array(3);
    kernels.treeMoments(total, out, { segments: 2, channels: 1 });
    expect([...total]).toEqual([2, 8, 2]);
  });
});

describe('contractions', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('matmul with transposes %s, %s is a plain sum of products', (transposeA, transposeB) => {
    const [batch, m, n, k] = [2, 3, 4, 5];
    const a = values(batch * m * k);
    const b = values(k * n, 7);
    const out = new Float64Array(batch * m * n);
    const attrs = { batch, m, n, k, transposeA, transposeB, batchA: true, batchB: false };
    kernels.matmul(out, a, b, attrs);
    for (let s = 0; s < batch; s++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) {
            const left = a[s * m * k + (transposeA ? p * m + i : i * k + p)]!;
            sum += left * b[transposeB ? j * k + p : p * n + j]!;
          }
          expect(out[(s * m + i) * n + j]).toBeCloseTo(sum, 12);
        }
      }
    }
  });

  it('segmentedContraction is the tree sum of the segments’ products', () => {
    const [segments, rows, m, n] = [4, 3, 2, 5];
    const a = Float32Array.from(values(segments * rows * m));
    const b = Float32Array.from(values(segments * rows * n, 3));
    const parts = new Float32Array(segments * m * n);
    const attrs = { batch: segments, m, n, k: rows, transposeA: true, transposeB: false };
    kernels.matmul(parts, a, b, { ...attrs, batchA: true, batchB: true });
    const expected = new Float32Array(m * n);
    kernels.treeSum(expected, parts, { segments, size: m * n });
    const out = new Float32Array(m * n);
    kernels.segmentedContraction(out, a, b, { segments, rows, m, n });
    expect(out).toEqual(expected);
  });
});

describe('convolution', () => {
  const attrs: Conv2dAttrs = {
    algorithm: 'direct',
    batch: 4,
    height: 6,
    width: 5,
    inChannels: 2,
    outHeight: 3,
    outWidth: 3,
    outChannels: 3,
    kernelHeight: 3,
    kernelWidth: 3,
    strideY: 2,
    strideX: 2,
    padTop: 1,
    padLeft: 1,
  };
  const x = values(4 * 6 * 5 * 2);
  const kernel = values(3 * 3 * 2 * 3, 5);
  const dy = values(4 * 3 * 3 * 3, 9);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

  it('weighs the neighbours of a pixel', () => {
    const out = new Float64Array(4);
    const one = { batch: 1, height: 2, width: 2, inChannels: 1, outHeight: 2, outWidth: 2, outChannels: 1 };
    kernels.conv2d(out, Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 10, 100, 1000), {
      ...one,
      algorithm: 'direct',
      kernelHeight: 2,
      kernelWidth: 2,
      strideY: 1,
      strideX: 1,
      padTop: 0,
      padLeft: 0,
    });
    expect([...out]).toEqual([4321, 402, 43, 4]);
  });

  it('has gradients that are its transposes', () => {
    const y = new Float64Array(dy.length);
    kernels.conv2d(y, x, kernel, attrs);
    const dx = new Float64Array(x.length);
    kernels.conv2dInputGrad(dx, dy, kernel, attrs);
    const dKernel = new Float64Array(kernel.length);
    kernels.conv2dKernelGrad(dKernel, x, dy, { ...attrs, segments: 2, combine: 'tree' });
    expect(dot(dx, x)).toBeCloseTo(dot(y, dy), 10);
    expect(dot(dKernel, kernel)).toBeCloseTo(dot(y, dy), 10);
  });

  it('sums kernel gradients of segments as treeSum does', () => {
    const stack = new Float64Array(4 * kernel.length);
    kernels.conv2dKernelGrad(stack, x, dy, { ...attrs, segments: 4, combine: 'stack' });
    const expected = new Float64Array(kernel.length);
    kernels.treeSum(expected, stack, { segments: 4, size: kernel.length });
    const tree = new Float64Array(kernel.length);
    kernels.conv2dKernelGrad(tree, x, dy, { ...attrs, segments: 4, combine: 'tree' });
    expect(tree).toEqual(expected);
    expect(() => kernels.conv2dKernelGrad(tree, x, dy, { ...attrs, segments: 3, combine: 'stack' })).toThrow(
      /4 images do not split into 3/,
    );
  });
});

describe('pooling', () => {
  it('takes the first maximum, selects at its place and scatters to it', () => {
    const attrs = {
      batch: 1,
      height: 2,
      width: 4,
      channels: 1,
      outHeight: 1,
      outWidth: 2,
      windowHeight: 2,
      windowWidth: 2,
      strideY: 2,
      strideX: 2,
    };
    const x = Float64Array.of(1, 5, NaN, 2, 5, 0, 3, NaN);
    const out = new Float64Array(2);
    kernels.maxPool(out, x, attrs);
    expect([...out]).toEqual([5, NaN]);
    kernels.maxPoolSelect(out, x, Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7), attrs);
    expect([...out]).toEqual([1, 2]);
    const dx = new Float64Array(8);
    kernels.maxPoolScatter(dx, x, Float64Array.of(10, 20), attrs);
    expect([...dx]).toEqual([0, 10, 20, 0, 0, 0, 0, 0]);
  });
});

describe('copy', () => {
  it('takes an array of the same dtype and length', () => {
    const out = new Int32Array(2);
    kernels.copy(out, Int32Array.of(-1, 7));
    expect([...out]).toEqual([-1, 7]);
    expect(() => kernels.copy(out, new Int32Array(1))).toThrow(/out has 2 elements and x 1/);
    expect(() => kernels.copy(out, new Uint32Array(2))).toThrow(/out is int32 and x uint32; use cast/);
  });
});

describe('indexing and random kernels', () => {
  it('gather rows and add them back in order', () => {
    const out = new Float64Array(6);
    kernels.gather(out, Float64Array.of(1, 2, 3, 4), Int32Array.of(1, -1, 0), { rows: 2, width: 2 });
    expect([...out]).toEqual([3, 4, NaN, NaN, 1, 2]);
    const table = new Float64Array(4);
    const updates = Float64Array.of(1, 2, 3, 4, 5, 6);
    kernels.scatterAdd(table, updates, Int32Array.of(1, 2, 1), { rows: 2, width: 2 });
    expect([...table]).toEqual([0, 0, 6, 8]);
  });

  it('give the words of Threefry and units below 1', () => {
    const bits = new Uint32Array(5);
    kernels.randomBits(bits, Uint32Array.of(7, 9));
    expect([...bits.subarray(2, 4)]).toEqual([...threefry2x32(7, 9, 1, 0)]);
    expect(bits[4]).toBe(threefry2x32(7, 9, 2, 0)[0]);
    const unit = new Float32Array(2);
    kernels.unitFromBits(unit, Uint32Array.of(0xffffffff, 255));
    expect([...unit]).toEqual([1 - 2 ** -24, 0]);
  });
});
