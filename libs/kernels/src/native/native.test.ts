import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type DType, type TypedArray, viewOf } from '@lockstep/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Kernels, Operand, PoolAttrs } from '../kernels.ts';
import { binaryOps, comparisonOps, opCodes, unaryOps } from '../operations.ts';
import {
  coarse,
  expectSame,
  f32,
  firstDifference,
  magnitudes,
  operands,
  plain,
  type Run,
  randomInt,
  reference,
  SIZES,
  SPECIAL,
  wild,
} from '../wasm/fixtures/same-bits.ts';
import { adviseLargePages, availableSets, nativeStatus } from './addon.ts';
import { createNativeKernels } from './native.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const bools = (size: number) => Uint8Array.from({ length: size }, () => randomInt(2));
const full = (data: TypedArray): Operand => ({ data, repeat: 1, period: data.length });

const everyDtype: [DType, (size: number) => TypedArray][] = [
  ['float32', wild],
  ['float64', (size) => Float64Array.from(wild(size))],
  ['int32', (size) => Int32Array.from(plain(size), (x) => x * 2 ** 31)],
  ['uint32', (size) => Uint32Array.from(plain(size), (x) => x * 2 ** 31)],
  ['bool', bools],
];

const sets = availableSets();
const ADDON = fileURLToPath(new URL('../../build/native.node', import.meta.url));

if (sets.length === 0) {
  it('says why there are none', () => {
    expect(nativeStatus()).toMatchObject({ available: false, reason: expect.stringMatching(/./) });
    expect(createNativeKernels()).toBeUndefined();
  });
}

it.skipIf(sets.length === 0)('large pages leave what memory holds alone', () => {
  const memory = new SharedArrayBuffer(5 * 2 ** 20);
  const words = new Int32Array(memory);
  words[words.length - 1] = 7;
  adviseLargePages(memory);
  expect(words[words.length - 1]).toBe(7);
  words.fill(3);
  expect(words.every((word) => word === 3)).toBe(true);
});

describe.each(sets)('native kernels with %s equal the reference', (set) => {
  const native = createNativeKernels(set) as Kernels;
  const same = (out: TypedArray, inputs: readonly TypedArray[], run: Run, about: unknown) =>
    expectSame(out, inputs, run, about, native);

  it.each(unaryOps)('%s', (op) => {
    const run: Run = (k, o, [x]) => k.unary(op, o, x!);
    for (const size of SIZES) same(f32(size), [wild(size)], run, size);
    const steps = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) * 0.053);
    same(f32(steps.length), [steps], run, 'steps');
    same(f32(5000), [magnitudes], run, 'magnitudes');
    for (const x of SPECIAL) same(f32(1), [Float32Array.of(x)], run, x);
  });

  it.each(binaryOps)('%s', (op) => {
    for (const size of [1, 5, 31, 1025, 2500]) {
      for (const a of operands(size, wild)) {
        for (const b of [operands(size, wild)[randomInt(12)]!, operands(size, coarse)[randomInt(3)]!]) {
          const run: Run = (k, o, [x, y]) => k.binary(op, o, { ...a, data: x! }, { ...b, data: y! });
          same(f32(size), [a.data, b.data], run, [size, a.repeat, a.period, b.repeat, b.period]);
        }
      }
    }
  });

  it('nothing of nothing, whatever the patterns', () => {
    const rows = { data: wild(3), repeat: 0, period: 3 };
    const run: Run = (k, o) => {
      k.binary('add', o, rows, full(f32(0)));
      k.compare('lt', new Uint8Array(0), rows, full(f32(0)));
      k.select(o, { ...rows, data: new Uint8Array(3) }, rows, rows);
      k.fused([o], [rows], { instructions: [{ op: 'add', args: [0, 0] }], outputs: [1] });
    };
    same(f32(0), [], run, 'empty');
  });

  it('binary over one of its operands', () => {
    const run: Run = (k, o, [y]) => k.binary('sub', o, full(y!), full(o));
    same(wild(1300), [wild(1300)], run, 'in place');
  });

  it.each(comparisonOps)('%s', (op) => {
    for (const size of [1, 15, 16, 33, 1040]) {
      for (const a of operands(size, coarse)) {
        const b = operands(size, coarse)[randomInt(12)]!;
        const run: Run = (k, o, [x, y]) =>
          k.compare(op, o as Uint8Array, { ...a, data: x! }, { ...b, data: y! });
        same(new Uint8Array(size).fill(9), [a.data, b.data], run, [size, a.repeat, a.period]);
      }
    }
  });

  it('and, or, not', () => {
    for (const size of [1, 33, 1040]) {
      for (const a of operands(size, bools)) {
        const b = operands(size, bools)[randomInt(12)]!;
        for (const op of ['and', 'or'] as const) {
          const run: Run = (k, o, [x, y]) =>
            k.compare(op, o as Uint8Array, { ...a, data: x! }, { ...b, data: y! });
          same(new Uint8Array(size).fill(9), [a.data, b.data], run, [op, size, a.repeat, a.period]);
        }
      }
      same(new Uint8Array(size).fill(9), [bools(size)], (k, o, [x]) => k.unary('not', o, x!), size);
    }
  });

  it.each([wild, (size: number) => Int32Array.from(plain(size), (x) => x * 2 ** 31)])('select %#', (data) => {
    for (const size of [1, 6, 1030]) {
      for (const condition of operands(size, bools)) {
        const a = operands(size, data)[randomInt(12)]!;
        const b = operands(size, data)[randomInt(12)]!;
        const run: Run = (k, o, [c, x, y]) =>
          k.select(o, { ...condition, data: c! }, { ...a, data: x! }, { ...b, data: y! });
        same(data(size), [condition.data, a.data, b.data], run, [size, condition.repeat]);
      }
    }
  });

  it('fill and cast', () => {
    const arrays = (size: number) => [
      wild(size),
      Float32Array.from(plain(size), (x) => x * 2 ** 33),
      Int32Array.from(plain(size), (x) => x * 2 ** 31),
      bools(size),
    ];
    for (const size of SIZES) {
      same(f32(size), [], (k, o) => k.fill(o, 0.1), size);
      for (const from of arrays(size)) {
        for (const to of arrays(size)) same(to, [from], (k, o, [x]) => k.cast(o, x!), size);
      }
    }
  });

  it('readStrided and writeStrided', () => {
    for (let trial = 0; trial < 200; trial++) {
      const rank = randomInt(5);
      const lengths = Array.from({ length: rank }, () => [1, 2, 3, 4, 5, 9, 17, 33][randomInt(8)]!);
      if (lengths.reduce((a, b) => a * b, 1) > 20_000) continue;
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
      const x = [wild, bools, (n: number) => Int32Array.from(wild(n))][trial % 3]!(size);
      const out = x.slice().fill(3);
      const view = { shape, strides, offset };
      same(out, [x], (k, o, [y]) => k.writeStrided(o, y!, view), view);
      const broadcast = { ...view, strides: strides.map((s) => (s > 0 && randomInt(4) === 0 ? 0 : s)) };
      same(out, [x], (k, o, [y]) => k.readStrided(o, y!, broadcast), broadcast);
    }
  });

  it.each(everyDtype)('copy of %s', (_, make) => {
    for (const size of [...SIZES, 5000, 20_001]) {
      same(make(size).fill(3), [make(size)], (k, o, [x]) => k.copy(o, x!), size);
    }
  });

  it.each(everyDtype)('gather of %s', (_, make) => {
    for (const width of [0, 1, 3, 8, 33]) {
      const indices = Int32Array.from({ length: 20 }, () => randomInt(8) - 1);
      const run: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, { rows: 6, width });
      same(make(20 * width).fill(3), [make(6 * width), indices], run, width);
      same(make(0), [make(6 * width), new Int32Array(0)], run, width);
    }
    const missing: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, { rows: 0, width: 2 });
    same(make(4), [make(0), Int32Array.of(0, 2 ** 31 - 1)], missing, 'an empty table');
  });

  it('gather and scatterAdd', () => {
    for (const width of [1, 3, 4, 7, 32]) {
      const indices = Int32Array.from({ length: 20 }, () => randomInt(8) - 1);
      const attrs = { rows: 6, width };
      const gather: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, attrs);
      same(f32(20 * width), [wild(6 * width), indices], gather, width);
      const scatter: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, attrs);
      same(f32(6 * width), [wild(20 * width), indices], scatter, width);
    }
  });

  it('scatterAdd of many updates of a row', () => {
    for (const width of [1, 3, 8, 33]) {
      for (const count of [17, 64, 700]) {
        const indices = Int32Array.from({ length: count }, () => randomInt(5) * randomInt(3) - 1);
        const attrs = { rows: 6, width };
        const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, attrs);
        same(f32(6 * width), [plain(count * width), indices], run, [width, count]);
        same(f32(6 * width), [wild(count * width), indices], run, [width, count]);
      }
    }
  });

  it('randomBits and unitFromBits', () => {
    for (const size of [0, 1, 2, 7, 8, 9, 100, 1001]) {
      const key = Uint32Array.of(0xdeadbeef, size);
      const bits = new Uint32Array(size);
      same(bits, [key], (k, o, [y]) => k.randomBits(o as Uint32Array, y as Uint32Array), size);
      reference.randomBits(bits, key);
      same(f32(size), [bits], (k, o, [b]) => k.unitFromBits(o, b as Uint32Array), size);
    }
  });

  it.each(['sum', 'max', 'min'] as const)('reduce %s', (op) => {
    for (const inner of [1, 2, 3, 7, 16, 21, 40, 1100]) {
      for (const size of inner > 1000 ? [3, 140] : [0, 1, 5, 10, 16, 17, 31, 128, 129, 300, 4107]) {
        for (const data of [plain, wild]) {
          const attrs = { outer: 3, size, inner };
          same(f32(3 * inner), [data(3 * size * inner)], (k, o, [x]) => k.reduce(op, o, x!, attrs), attrs);
        }
      }
    }
  });

  it('argmax', () => {
    for (const inner of [1, 3]) {
      for (const size of [1, 2, 10, 33]) {
        for (const data of [plain, coarse]) {
          const attrs = { outer: 5, size, inner };
          const run: Run = (k, o, [x]) => k.argmax(o as Int32Array, x!, attrs);
          same(new Int32Array(5 * inner).fill(-1), [data(5 * size * inner)], run, attrs);
        }
      }
    }
  });

  it('treeSum', () => {
    for (const segments of [1, 2, 4, 8, 16, 32]) {
      for (const size of [1, 5, 255, 256, 1100]) {
        const attrs = { segments, size };
        const run: Run = (k, o, [x]) => k.treeSum(o, x!, attrs);
        same(f32(size), [wild(segments * size)], run, attrs);
        same(f32(size), [plain(segments * size)], run, attrs);
      }
    }
  });

  it('moments and treeMoments', () => {
    for (const channels of [1, 3, 4, 6, 16, 50]) {
      for (const [rows, inner] of [
        [1, 1],
        [32, 4],
        [5, 100],
        [130, 3],
        [2, 256],
        [1200, 1],
      ] as const) {
        const attrs = { segments: 4, rows, inner, channels };
        const weights = Float32Array.from({ length: 4 * rows }, (_, i) =>
          i >= 2 * rows ? 0 : randomInt(3) / 2,
        );
        const x = plain(4 * rows * inner * channels);
        const run: Run = (k, o, [y, w]) => k.moments(o, y!, w!, attrs);
        const out = f32(4 * (1 + 2 * channels));
        same(out, [x, weights], run, attrs);
        reference.moments(out, x, weights, attrs);
        same(f32(1 + 2 * channels), [out], (k, o, [m]) => k.treeMoments(o, m!, attrs), attrs);
      }
    }
  });

  it.each([1, 3, 4, 18])('pooling of %i channels', (channels) => {
    for (const [size, window, stride] of [
      [6, 2, 2],
      [7, 2, 2],
      [7, 3, 2],
      [5, 3, 1],
      [4, 1, 1],
    ] as const) {
      const out = Math.floor((size - window) / stride) + 1;
      const attrs: PoolAttrs = {
        ...{ batch: 2, height: size, width: size, channels, outHeight: out, outWidth: out },
        ...{ windowHeight: window, windowWidth: window, strideY: stride, strideX: stride },
      };
      const numX = 2 * size * size * channels;
      const numY = 2 * out * out * channels;
      for (const data of [plain, coarse]) {
        const x = data(numX);
        same(f32(numY), [x], (k, o, [y]) => k.maxPool(o, y!, attrs), attrs);
        same(f32(numY), [x, wild(numX)], (k, o, [y, t]) => k.maxPoolSelect(o, y!, t!, attrs), attrs);
        same(f32(numX), [x, plain(numY)], (k, o, [y, g]) => k.maxPoolScatter(o, y!, g!, attrs), attrs);
      }
    }
  });

  it('matmul and segmentedContraction', () => {
    for (let trial = 0; trial < 32; trial++) {
      const flag = (bit: number) => (trial & bit) !== 0;
      const [batch, m, n, k] = [2, 1 + randomInt(40), 1 + randomInt(70), 1 + randomInt(40)];
      const flags = { transposeA: flag(1), transposeB: flag(2), batchA: flag(4), batchB: flag(8) };
      const attrs = { batch, m, n, k, ...flags };
      const data = flag(16) ? wild : plain;
      const a = data((flags.batchA ? batch : 1) * m * k);
      const b = data((flags.batchB ? batch : 1) * k * n);
      same(f32(batch * m * n), [a, b], (q, o, [x, y]) => q.matmul(o, x!, y!, attrs), attrs);
      const segments = { segments: 4, rows: k, m, n };
      const run: Run = (q, o, [x, y]) => q.segmentedContraction(o, x!, y!, segments);
      same(f32(m * n), [data(4 * k * m), data(4 * k * n)], run, segments);
    }
  });

  it.each(['direct', 'winograd'] as const)('convolutions, %s', (algorithm) => {
    const attrs = {
      algorithm,
      ...{ batch: 2, height: 9, width: 8, inChannels: 3, outHeight: 9, outWidth: 8, outChannels: 20 },
      ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1, padTop: 1, padLeft: 1 },
    };
    const [x, kernel, dy] = [plain(432), plain(540), plain(2880)];
    same(f32(2880), [x, kernel], (k, o, [a, b]) => k.conv2d(o, a!, b!, attrs), 'conv2d');
    same(f32(432), [dy, kernel], (k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs), 'input');
    for (const combine of ['stack', 'tree'] as const) {
      const grad = { ...attrs, segments: 2, combine };
      const run: Run = (k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, grad);
      same(f32(540 * (combine === 'stack' ? 2 : 1)), [x, dy], run, combine);
    }
  });

  it('refuses arrays that are shorter than their shapes', () => {
    const attrs = { outer: 4, size: 4, inner: 1 };
    expect(() => native.reduce('sum', f32(4), f32(15), attrs)).toThrow(
      /x has 15 elements, its shape says 16/,
    );
    const view = { shape: [2, 2], strides: [-1, 1], offset: 0 };
    expect(() => native.readStrided(f32(4), f32(4), view)).toThrow(/reaches from -1 to 1/);
    const operand = { data: f32(3), repeat: 1, period: 4 };
    expect(() => native.binary('add', f32(4), operand, operand)).toThrow(/needs a whole period/);
    expect(() => native.copy(f32(2000), f32(1999))).toThrow(/out has 2000 elements, x 1999/);
    expect(() => native.copy(f32(2000), new Int32Array(2000))).toThrow(/out is float32, x int32/);
    const rows = { rows: 3, width: 4 };
    const one = Int32Array.of(0);
    expect(() => native.gather(f32(4), f32(11), one, rows)).toThrow(
      /table has 11 elements, too few for 3 rows/,
    );
    expect(() => native.gather(f32(3), f32(12), one, rows)).toThrow(/out has 3 elements, too few for 1 rows/);
    expect(() => native.gather(f32(4), f32(12), one, { rows: -3, width: -4 })).toThrow(/-3 rows of -4/);
    expect(() => native.randomBits(new Uint32Array(2), new Uint32Array(1))).toThrow(/key has 1/);
  });

  it('readStrided of float64', () => {
    const x = Float64Array.from(wild(77));
    const out = new Float64Array(77);
    native.readStrided(out, x, { shape: [11, 7], strides: [1, 11], offset: 0 });
    const expected = new Float64Array(77);
    reference.readStrided(expected, x, { shape: [11, 7], strides: [1, 11], offset: 0 });
    expect(firstDifference(out, expected)).toBeUndefined();
  });

  it('in a thread over shared memory', async () => {
    const [x, out] = [0, 500].map((at) => viewOf('float32', new SharedArrayBuffer(1000), at, 100)) as [
      Float32Array,
      Float32Array,
    ];
    x.set(wild(100));
    const source = `
      const { workerData: { path, set, op, out, x } } = require('node:worker_threads');
      require(path)[set].unary(op, out, x);`;
    const worker = new Worker(source, {
      eval: true,
      workerData: { path: ADDON, set, op: opCodes.exp, out, x },
    });
    const [code] = await once(worker, 'exit');
    expect(code).toBe(0);
    const expected = f32(100);
    reference.unary('exp', expected, x);
    expect(firstDifference(out, expected)).toBeUndefined();
  });

  it('copies between any memories', () => {
    const x = wild(3000);
    const shared = viewOf('float32', new SharedArrayBuffer(12_004), 4, 3000);
    const ordinary = viewOf('float32', new ArrayBuffer(12_100), 36, 3000);
    native.copy(shared, x);
    native.copy(ordinary, shared);
    for (const array of [shared, ordinary]) expect(firstDifference(array, x)).toBeUndefined();
  });

  it('arrays in shared and in ordinary memory', () => {
    const x = wild(100);
    const expected = f32(100);
    reference.unary('exp', expected, x);
    for (const buffer of [new ArrayBuffer(1000), new SharedArrayBuffer(1000)]) {
      const [input, out] = [viewOf('float32', buffer, 4, 100), viewOf('float32', buffer, 500, 100)];
      input.set(x);
      native.unary('exp', out, input);
      expect(firstDifference(out, expected)).toBeUndefined();
    }
  });
});
