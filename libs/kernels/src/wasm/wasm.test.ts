import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PoolAttrs } from '../kernels.ts';
import { binaryOps, comparisonOps, unaryOps } from '../operations.ts';
import {
  clearMemory,
  coarse,
  expectSame,
  f32,
  firstDifference,
  magnitudes,
  memory,
  operands,
  place,
  plain,
  type Run,
  randomInt,
  reference,
  SIZES,
  SPECIAL,
  wasm,
  wild,
} from './fixtures/same-bits.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('elementwise kernels equal the reference', () => {
  it.each(unaryOps)('%s', (op) => {
    for (const size of SIZES) expectSame(f32(size), [wild(size)], (k, o, [x]) => k.unary(op, o, x!), size);
    const steps = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) * 0.053);
    expectSame(f32(steps.length), [steps], (k, o, [x]) => k.unary(op, o, x!), 'steps');
    expectSame(f32(5000), [magnitudes], (k, o, [x]) => k.unary(op, o, x!), 'magnitudes');
    for (const x of SPECIAL) expectSame(f32(1), [Float32Array.of(x)], (k, o, [y]) => k.unary(op, o, y!), x);
  });

  it.each(binaryOps)('%s', (op) => {
    for (const size of [1, 5, 31, 1025, 2500]) {
      for (const a of operands(size, wild)) {
        const b = operands(size, wild)[randomInt(11)]!;
        const run: Run = (k, o, [x, y]) => k.binary(op, o, { ...a, data: x! }, { ...b, data: y! });
        expectSame(f32(size), [a.data, b.data], run, [size, a.repeat, a.period, b.repeat, b.period]);
      }
    }
  });

  it('writes over an operand', () => {
    const x = wild(1300);
    expectSame(
      x,
      [wild(1300)],
      (k, o, [y]) => {
        k.binary('sub', o, { data: y!, repeat: 1, period: 1300 }, { data: o, repeat: 1, period: 1300 });
      },
      'in place',
    );
  });

  it.each(comparisonOps)('%s', (op) => {
    for (const size of [1, 15, 16, 33, 1040]) {
      for (const a of operands(size, coarse)) {
        const b = operands(size, coarse)[randomInt(11)]!;
        const run: Run = (k, o, [x, y]) =>
          k.compare(op, o as Uint8Array, { ...a, data: x! }, { ...b, data: y! });
        expectSame(new Uint8Array(size).fill(9), [a.data, b.data], run, [size, a.repeat, a.period]);
      }
    }
  });

  it('select', () => {
    const bools = (size: number) => Uint8Array.from({ length: size }, () => randomInt(2));
    for (const size of [1, 6, 1030]) {
      for (const condition of operands(size, bools)) {
        const a = operands(size, wild)[randomInt(11)]!;
        const b = operands(size, wild)[randomInt(11)]!;
        const run: Run = (k, o, [c, x, y]) =>
          k.select(o, { ...condition, data: c! }, { ...a, data: x! }, { ...b, data: y! });
        expectSame(f32(size), [condition.data, a.data, b.data], run, [size, condition.repeat]);
      }
    }
  });
});

describe('movement equals the reference', () => {
  it('readStrided and writeStrided', () => {
    for (let trial = 0; trial < 300; trial++) {
      const rank = randomInt(5);
      const lengths = Array.from({ length: rank }, () => [1, 2, 3, 4, 5, 9, 17][randomInt(7)]!);
      const order = lengths.map((_, axis) => axis).sort(() => randomInt(3) - 1);
      const shape = order.map((axis) => lengths[axis]!);
      let size = 1;
      const dense = [...lengths];
      for (let axis = rank - 1; axis >= 0; axis--) {
        dense[axis] = size;
        size *= lengths[axis]!;
      }
      let offset = 0;
      const strides = order.map((axis) => {
        if (randomInt(4) > 0) return dense[axis]!;
        offset += dense[axis]! * (lengths[axis]! - 1);
        return -dense[axis]!;
      });
      const x = trial % 2 ? wild(size) : Int32Array.from(wild(size));
      const out = x.slice().fill(3);
      const view = { shape, strides, offset };
      expectSame(out, [x], (k, o, [y]) => k.writeStrided(o, y!, view), view);
      const broadcast = { ...view, strides: strides.map((s) => (s > 0 && randomInt(4) === 0 ? 0 : s)) };
      expectSame(out, [x], (k, o, [y]) => k.readStrided(o, y!, broadcast), broadcast);
    }
  });

  it('copy', () => {
    for (const size of SIZES) {
      for (const data of [wild(size), Float64Array.from(wild(size)), new Uint8Array(size).fill(7)]) {
        expectSame(data.slice().fill(3), [data], (k, o, [x]) => k.copy(o, x!), size);
      }
    }
    const [x, out] = [wild(50), f32(50)];
    wasm.copy(out, x);
    expect(firstDifference(out, x)).toBeUndefined();
  });

  it('gather and scatterAdd', () => {
    for (const width of [1, 3, 4, 7, 32]) {
      const indices = Int32Array.from({ length: 20 }, () => randomInt(8) - 1);
      const attrs = { rows: 6, width };
      const gather: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, attrs);
      expectSame(f32(20 * width), [wild(6 * width), indices], gather, width);
      const scatter: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, attrs);
      expectSame(f32(6 * width), [wild(20 * width), indices], scatter, width);
    }
  });

  it('scatterAdd of many updates of a row', () => {
    for (const width of [1, 3, 8, 33]) {
      for (const count of [17, 64, 700]) {
        const indices = Int32Array.from({ length: count }, () => randomInt(5) * randomInt(3) - 1);
        const attrs = { rows: 6, width };
        const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, attrs);
        expectSame(f32(6 * width), [plain(count * width), indices], run, [width, count]);
        expectSame(f32(6 * width), [wild(count * width), indices], run, [width, count]);
      }
    }
  });

  it.each([
    ['more rows than states', 2 ** 19 + 40, 1, 40, 2000],
    ['sums of fewer columns at a time', 11_300, 18, 11_300, 192_100],
    ['sums of one row at a time', 60_000, 1, 60_000, 1_080_000],
  ])('scatterAdd whose workspace has room for %s', (_what, rows, width, hit, count) => {
    // The rows that are hit are the last ones.
    const indices = Int32Array.from({ length: count }, (_, i) => rows - 1 - ((i * 7) % hit));
    const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, { rows, width });
    expectSame(f32(rows * width), [plain(count * width), indices], run, [rows, width]);
  });

  it('randomBits and unitFromBits', () => {
    for (const size of [0, 1, 2, 7, 8, 9, 100, 1001]) {
      const key = Uint32Array.of(0xdeadbeef, size);
      const bits = new Uint32Array(size);
      expectSame(bits, [key], (k, o, [y]) => k.randomBits(o as Uint32Array, y as Uint32Array), size);
      reference.randomBits(bits, key);
      expectSame(f32(size), [bits], (k, o, [b]) => k.unitFromBits(o, b as Uint32Array), size);
    }
  });
});

describe('sums equal the reference', () => {
  it.each(['sum', 'max', 'min'] as const)('reduce %s', (op) => {
    for (const inner of [1, 2, 3, 4, 7, 16, 21, 40]) {
      for (const size of [0, 1, 5, 16, 17, 128, 129, 300, 1000, 4107]) {
        for (const data of [plain, wild]) {
          const attrs = { outer: 3, size, inner };
          expectSame(
            f32(3 * inner),
            [data(3 * size * inner)],
            (k, o, [x]) => k.reduce(op, o, x!, attrs),
            attrs,
          );
        }
      }
    }
  });

  it('treeSum', () => {
    for (const segments of [1, 2, 4, 8, 32]) {
      for (const size of [1, 5, 255, 256, 600]) {
        if (segments === 1) continue; // a copy, which the reference makes
        const attrs = { segments, size };
        expectSame(f32(size), [wild(segments * size)], (k, o, [x]) => k.treeSum(o, x!, attrs), attrs);
        expectSame(f32(size), [plain(segments * size)], (k, o, [x]) => k.treeSum(o, x!, attrs), attrs);
      }
    }
  });

  it('moments', () => {
    for (const channels of [1, 3, 4, 6, 16]) {
      for (const [rows, inner] of [
        [1, 1],
        [32, 4],
        [5, 100],
        [130, 3],
        [2, 256],
        [1200, 1],
      ] as const) {
        const attrs = { segments: 3, rows, inner, channels };
        const weights = Float32Array.from({ length: 3 * rows }, (_, i) => (i >= 2 * rows ? 0 : randomInt(2)));
        const x = plain(3 * rows * inner * channels);
        const run: Run = (k, o, [y, w]) => k.moments(o, y!, w!, attrs);
        expectSame(f32(3 * (1 + 2 * channels)), [x, weights], run, attrs);
      }
    }
  });
});

describe('pooling equals the reference', () => {
  it.each([1, 3, 4, 18])('%i channels', (channels) => {
    for (const [size, window, stride] of [
      [6, 2, 2],
      [7, 3, 2],
      [5, 3, 1],
      [4, 1, 1],
    ] as const) {
      const out = Math.floor((size - window) / stride) + 1;
      const attrs: PoolAttrs = {
        batch: 2,
        height: size,
        width: size,
        channels,
        outHeight: out,
        outWidth: out,
        windowHeight: window,
        windowWidth: window,
        strideY: stride,
        strideX: stride,
      };
      const numX = 2 * size * size * channels;
      const numY = 2 * out * out * channels;
      for (const data of [plain, coarse]) {
        expectSame(f32(numY), [data(numX)], (k, o, [x]) => k.maxPool(o, x!, attrs), attrs);
        expectSame(
          f32(numY),
          [data(numX), wild(numX)],
          (k, o, [x, t]) => k.maxPoolSelect(o, x!, t!, attrs),
          attrs,
        );
        expectSame(
          f32(numX),
          [data(numX), plain(numY)],
          (k, o, [x, g]) => k.maxPoolScatter(o, x!, g!, attrs),
          attrs,
        );
      }
    }
  });
});

describe('instances', () => {
  it('take any other array through the reference', () => {
    const out = new Float64Array(2);
    wasm.unary('exp', out, Float64Array.of(0, 1));
    expect([...out]).toEqual([1, Math.E]);
    const outside = new Float32Array(2);
    wasm.unary('sqrt', outside, Float32Array.of(4, 9));
    expect([...outside]).toEqual([2, 3]);
  });

  it('share a memory when each has its scratch', () => {
    const other = createWasmKernels({
      memory,
      scratchOffset: 8 * MIN_SCRATCH_BYTES,
      scratchBytes: MIN_SCRATCH_BYTES,
    });
    clearMemory();
    const attrs = {
      batch: 1,
      m: 5,
      n: 9,
      k: 7,
      transposeA: false,
      transposeB: false,
      batchA: true,
      batchB: true,
    };
    const [a, b, first, second] = [plain(35), plain(63), f32(45), f32(45)].map(place) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    wasm.matmul(first, a, b, attrs);
    const scratch = new Uint8Array(memory.buffer, 0, MIN_SCRATCH_BYTES).slice();
    other.matmul(second, a, b, attrs);
    expect(second).toEqual(first);
    expect(Buffer.compare(scratch, new Uint8Array(memory.buffer, 0, MIN_SCRATCH_BYTES))).toBe(0);
  });

  it('refuse scratch that is too small, unaligned or outside', () => {
    for (const [scratchOffset, scratchBytes] of [
      [0, 1000],
      [8, MIN_SCRATCH_BYTES],
      [2 ** 30, MIN_SCRATCH_BYTES],
    ] as const) {
      expect(() => createWasmKernels({ memory, scratchOffset, scratchBytes })).toThrow(/inside the memory/);
    }
  });
});
