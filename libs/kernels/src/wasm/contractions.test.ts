import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Conv2dAttrs } from '../kernels.ts';
import { conv, sizes } from './fixtures/convolutions.ts';
import {
  clearMemory,
  expectSame,
  f32,
  firstDifference,
  place,
  plain,
  profiles,
  type Run,
  randomInt,
  wasmKernels,
  wild,
} from './fixtures/same-bits.ts';

const M_SIZES = [1, 3, 4, 6, 65, 130];
const N_SIZES = [1, 7, 8, 10, 24, 300];
const K_SIZES = [0, 1, 5, 64, 257, 520];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(profiles)('contractions equal the reference of profile %s', (profile) => {
  const wasm = wasmKernels(profile);

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
            wasm,
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
      expectSame(f32(batch * m * n), [a, b], (q, o, [x, y]) => q.matmul(o, x!, y!, attrs), attrs, wasm);
    }
  });

  it('rows computed alone have the same bits', () => {
    const [m, n, k] = [37, 50, 300];
    const attrs = { batch: 1, m, n, k, transposeA: false, transposeB: false, batchA: true, batchB: true };
    clearMemory();
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
    for (const segments of [1, 2, 8, 1024]) {
      for (const [rows, m, n] of [
        [1, 1, 1],
        [1, 19, 75],
        [5, 7, 10],
        [40, 70, 9],
        [128, 18, 70],
        [300, 5, 66],
        [0, 2, 2],
      ] as const) {
        if (segments * rows * m * n > 3e6) continue;
        const attrs = { segments, rows, m, n };
        const run: Run = (k, o, [a, b]) => k.segmentedContraction(o, a!, b!, attrs);
        expectSame(f32(m * n), [plain(segments * rows * m), plain(segments * rows * n)], run, attrs, wasm);
      }
    }
  });
});

const CONVOLUTIONS: Conv2dAttrs[] = [
  conv(2, 9, 9, 1, 16, 3, 3, 1, 1),
  conv(4, 7, 6, 16, 8, 3, 3, 1, 1),
  conv(2, 5, 7, 3, 10, 3, 3, 1, 1),
  conv(2, 6, 6, 4, 5, 1, 1, 1, 0),
  conv(2, 8, 9, 2, 12, 3, 3, 2, 1),
  conv(2, 11, 10, 4, 3, 5, 3, 3, 2),
  // Inputs that no tap reaches, and a depth of two blocks.
  conv(2, 7, 8, 5, 9, 1, 1, 2, 0),
  conv(2, 7, 6, 4, 150, 5, 3, 2, 1),
  conv(2, 4, 4, 5, 9, 4, 4, 1, 3),
  conv(2, 5, 5, 300, 6, 3, 1, 1, 0),
  conv(2, 4, 4, 6, 300, 3, 3, 1, 1),
  { ...conv(2, 6, 5, 2, 7, 3, 2, 1, 0), strideY: 2, padTop: 1, padLeft: 2, outHeight: 4, outWidth: 9 },
];

describe.each(profiles)('convolutions equal the reference of profile %s', (profile) => {
  const wasm = wasmKernels(profile);
  it.each([plain, wild])('conv2d and its gradients, %o', (data) => {
    for (const attrs of CONVOLUTIONS) {
      const { x, y, kernel } = sizes(attrs);
      expectSame(f32(y), [data(x), data(kernel)], (k, o, [a, b]) => k.conv2d(o, a!, b!, attrs), attrs, wasm);
      expectSame(
        f32(x),
        [data(y), data(kernel)],
        (k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs),
        attrs,
        wasm,
      );
      for (const combine of ['stack', 'tree'] as const) {
        const segments = 2;
        const grad = { ...attrs, segments, combine };
        const out = f32(kernel * (combine === 'stack' ? segments : 1));
        expectSame(
          out,
          [data(x), data(y)],
          (k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, grad),
          grad,
          wasm,
        );
      }
    }
  });

  it.each(['direct', 'winograd'] as const)('images computed alone have the same bits, %s', (algorithm) => {
    const attrs = { ...conv(5, 7, 7, 3, 12, 3, 3, 1, 1), algorithm };
    const { x, y, kernel } = sizes(attrs);
    clearMemory();
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
