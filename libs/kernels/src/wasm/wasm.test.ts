import { dtypeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BinaryOp, CompareOp, Conv2dAttrs, Kernels, Operand, PoolAttrs, UnaryOp } from '../kernels.ts';
import { referenceKernels } from '../reference/index.ts';
import { binaryCodes, compareCodes, unaryCodes } from './codes.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';
import { createMemory } from './webassembly.ts';

const reference = referenceKernels();
const memory = createMemory(16 * MIN_SCRATCH_BYTES);
const wasm = createWasmKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES });

afterEach(() => {
  vi.restoreAllMocks();
});

let state = 1;

/** An integer in 0 … bound − 1 that looks random. */
function randomInt(bound: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
}

const SPECIAL = [
  NaN,
  0,
  -0,
  Infinity,
  -Infinity,
  1e-45,
  -1e-40,
  3.4e38,
  -3.4e38,
  0.5,
  -1.5,
  1,
  1e5,
  88.8,
  -103.9,
];

/** Numbers in [−1, 1). */
function plain(size: number): Float32Array {
  return Float32Array.from({ length: size }, () => randomInt(2 ** 25) / 2 ** 24 - 1);
}

/** Numbers of all magnitudes, one in five special. */
function wild(size: number): Float32Array {
  return Float32Array.from({ length: size }, () =>
    randomInt(5) === 0
      ? SPECIAL[randomInt(SPECIAL.length)]!
      : (randomInt(2 ** 25) / 2 ** 24 - 1) * 10 ** (randomInt(14) - 7),
  );
}

/** Few distinct numbers, so that ties are common. */
function coarse(size: number): Float32Array {
  return Float32Array.from({ length: size }, () => [0, -0, 1, 2, NaN, -Infinity][randomInt(6)]!);
}

let top = 0;
const CANARY = 0x5a;

/** An array in the wasm memory, 4 bytes off the vectors' alignment, with canaries around it. */
function place<T extends TypedArray>(array: T): T {
  const start = Math.ceil(top / 16) * 16 + 20;
  top = start + array.byteLength + 16;
  new Uint8Array(memory.buffer).fill(CANARY, start - 16, top);
  const view = viewOf(dtypeOf(array), memory.buffer, start, array.length);
  view.set(array);
  return view as T;
}

function expectCanaries({ buffer, byteOffset, byteLength }: TypedArray): void {
  const before = new Uint8Array(buffer, byteOffset - 16, 16);
  const after = new Uint8Array(buffer, byteOffset + byteLength, 16);
  if ([...before, ...after].some((byte) => byte !== CANARY)) expect.fail('a kernel wrote outside its output');
}

/** The first element whose bits differ; any NaN equals any NaN. */
function firstDifference(a: TypedArray, b: TypedArray): string | undefined {
  const i = a.findIndex((value, index) => !Object.is(value, b[index]));
  return i < 0 ? undefined : `element ${i}: ${a[i]} and ${b[i]}`;
}

type Run = (kernels: Kernels, out: TypedArray, inputs: TypedArray[]) => void;

/** Runs a kernel on the reference and in the memory, and wants the same bits without help of the reference. */
function expectSame(out: TypedArray, inputs: readonly TypedArray[], run: Run, about: unknown): void {
  top = MIN_SCRATCH_BYTES;
  const expected = out.slice();
  run(reference, expected, [...inputs]);
  const spies = (Object.keys(reference) as (keyof Kernels)[])
    .filter((key) => typeof reference[key] === 'function')
    .map((key) => vi.spyOn(reference, key as 'fill'));
  const placed = inputs.map(place);
  const result = place(out);
  run(wasm, result, placed);
  for (const spy of spies) {
    expect(spy, `${JSON.stringify(about)} fell back`).not.toHaveBeenCalled();
    spy.mockRestore();
  }
  expectCanaries(result);
  expect(firstDifference(result, expected), JSON.stringify(about)).toBeUndefined();
}

const f32 = (size: number) => new Float32Array(size).fill(7);

const SIZES = [0, 1, 3, 4, 5, 16, 31, 1023, 1024, 1025, 2500];

/** Operands of every pattern for `size` outputs. */
function operands(size: number, data: (size: number) => TypedArray): Operand[] {
  const repeats = [2, 3, 10, 1500];
  return [
    { data: data(size), repeat: 1, period: size },
    { data: data(1), repeat: 1, period: 1 },
    { data: data(1), repeat: Math.max(size, 1), period: 1 },
    ...[2, 7, 32, 1030].map((period) => ({ data: data(period), repeat: 1, period })),
    ...repeats.map((repeat) => {
      const period = Math.ceil(size / repeat) + 1;
      return { data: data(period), repeat, period };
    }),
    { data: data(3), repeat: 5, period: 3 },
  ];
}

describe('elementwise kernels equal the reference', () => {
  it.each(Object.keys(unaryCodes) as UnaryOp[])('%s', (op) => {
    for (const size of SIZES) expectSame(f32(size), [wild(size)], (k, o, [x]) => k.unary(op, o, x!), size);
    const steps = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) * 0.053);
    expectSame(f32(steps.length), [steps], (k, o, [x]) => k.unary(op, o, x!), 'steps');
    for (const x of SPECIAL) expectSame(f32(1), [Float32Array.of(x)], (k, o, [y]) => k.unary(op, o, y!), x);
  });

  it.each(Object.keys(binaryCodes) as BinaryOp[])('%s', (op) => {
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

  it.each(Object.keys(compareCodes) as CompareOp[])('%s', (op) => {
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
      for (const size of [0, 1, 5, 16, 17, 128, 129, 300]) {
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

const M_SIZES = [1, 3, 4, 6, 65, 130];
const N_SIZES = [1, 7, 8, 10, 24, 300];
const K_SIZES = [0, 1, 5, 64, 257, 520];

describe('contractions equal the reference', () => {
  it('matmul', () => {
    for (const m of M_SIZES) {
      for (const n of N_SIZES) {
        for (const k of K_SIZES) {
          if (m * n * k > 3e6) continue;
          const transposes = { transposeA: randomInt(2) === 1, transposeB: randomInt(2) === 1 };
          const attrs = { batch: 1, m, n, k, ...transposes, batchA: true, batchB: true };
          expectSame(
            f32(m * n),
            [plain(m * k), plain(k * n)],
            (q, o, [a, b]) => q.matmul(o, a!, b!, attrs),
            attrs,
          );
        }
      }
    }
  });

  it('matmul in batches, all transposes, special values', () => {
    for (let trial = 0; trial < 64; trial++) {
      const flag = (bit: number) => (trial & bit) !== 0;
      const [batch, m, n, k] = [3, 1 + randomInt(9), 1 + randomInt(17), 1 + randomInt(12)];
      const attrs = {
        batch,
        m,
        n,
        k,
        transposeA: flag(1),
        transposeB: flag(2),
        batchA: flag(4),
        batchB: flag(8),
      };
      const data = flag(16) ? wild : plain;
      const a = data((attrs.batchA ? batch : 1) * m * k);
      const b = data((attrs.batchB ? batch : 1) * k * n);
      expectSame(f32(batch * m * n), [a, b], (q, o, [x, y]) => q.matmul(o, x!, y!, attrs), attrs);
    }
  });

  it('rows computed alone have the same bits', () => {
    const [m, n, k] = [37, 50, 300];
    const attrs = { batch: 1, m, n, k, transposeA: false, transposeB: false, batchA: true, batchB: true };
    top = MIN_SCRATCH_BYTES;
    const [a, b, whole, part] = [plain(m * k), plain(k * n), f32(m * n), f32(m * n)].map(place) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    wasm.matmul(whole, a, b, attrs);
    for (const rows of [1, 2, 5, 16]) {
      for (let i = 0; i < m; i += rows) {
        const count = Math.min(rows, m - i);
        const view = a.subarray(i * k, (i + count) * k);
        wasm.matmul(part.subarray(i * n, (i + count) * n), view, b, { ...attrs, m: count });
      }
      expect(firstDifference(part, whole), `${rows} rows at a time`).toBeUndefined();
    }
  });

  it('segmentedContraction', () => {
    for (const segments of [1, 2, 8]) {
      for (const [rows, m, n] of [
        [1, 1, 1],
        [5, 7, 10],
        [40, 70, 9],
        [300, 5, 66],
        [0, 2, 2],
      ] as const) {
        const attrs = { segments, rows, m, n };
        const run: Run = (k, o, [a, b]) => k.segmentedContraction(o, a!, b!, attrs);
        expectSame(f32(m * n), [plain(segments * rows * m), plain(segments * rows * n)], run, attrs);
      }
    }
  });
});

/** A convolution with the output that padding `pad` on all sides gives. */
function conv(
  batch: number,
  height: number,
  width: number,
  inChannels: number,
  outChannels: number,
  kernelHeight: number,
  kernelWidth: number,
  stride: number,
  pad: number,
): Conv2dAttrs {
  const outHeight = Math.floor((height + 2 * pad - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + 2 * pad - kernelWidth) / stride) + 1;
  return {
    batch,
    height,
    width,
    inChannels,
    outHeight,
    outWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    strideY: stride,
    strideX: stride,
    padTop: pad,
    padLeft: pad,
  };
}

const CONVOLUTIONS: Conv2dAttrs[] = [
  conv(2, 9, 9, 1, 16, 3, 3, 1, 1),
  conv(4, 7, 6, 16, 8, 3, 3, 1, 1),
  conv(2, 5, 7, 3, 10, 3, 3, 1, 1),
  conv(2, 6, 6, 4, 5, 1, 1, 1, 0),
  conv(2, 8, 9, 2, 12, 3, 3, 2, 1),
  conv(2, 11, 10, 4, 3, 5, 3, 3, 2),
  conv(2, 4, 4, 5, 9, 4, 4, 1, 3),
  conv(2, 5, 5, 300, 6, 3, 1, 1, 0),
  conv(2, 4, 4, 6, 300, 3, 3, 1, 1),
  { ...conv(2, 6, 5, 2, 7, 3, 2, 1, 0), strideY: 2, padTop: 1, padLeft: 2, outHeight: 4, outWidth: 9 },
];

describe('convolutions equal the reference', () => {
  const sizes = (c: Conv2dAttrs) => ({
    x: c.batch * c.height * c.width * c.inChannels,
    y: c.batch * c.outHeight * c.outWidth * c.outChannels,
    kernel: c.kernelHeight * c.kernelWidth * c.inChannels * c.outChannels,
  });

  it.each([plain, wild])('conv2d and its gradients, %o', (data) => {
    for (const attrs of CONVOLUTIONS) {
      const { x, y, kernel } = sizes(attrs);
      expectSame(f32(y), [data(x), data(kernel)], (k, o, [a, b]) => k.conv2d(o, a!, b!, attrs), attrs);
      expectSame(
        f32(x),
        [data(y), data(kernel)],
        (k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs),
        attrs,
      );
      for (const combine of ['stack', 'tree'] as const) {
        const segments = 2;
        const grad = { ...attrs, segments, combine };
        const out = f32(kernel * (combine === 'stack' ? segments : 1));
        expectSame(out, [data(x), data(y)], (k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, grad), grad);
      }
    }
  });

  it('images computed alone have the same bits', () => {
    const attrs = conv(5, 7, 7, 3, 12, 3, 3, 1, 1);
    const { x, y, kernel } = sizes(attrs);
    top = MIN_SCRATCH_BYTES;
    const [input, weights, whole, part] = [plain(x), plain(kernel), f32(y), f32(y)].map(place) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    wasm.conv2d(whole, input, weights, attrs);
    for (let image = 0; image < 5; image++) {
      const from = input.subarray((image * x) / 5, ((image + 1) * x) / 5);
      wasm.conv2d(part.subarray((image * y) / 5, ((image + 1) * y) / 5), from, weights, {
        ...attrs,
        batch: 1,
      });
    }
    expect(firstDifference(part, whole)).toBeUndefined();
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
    top = MIN_SCRATCH_BYTES;
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
