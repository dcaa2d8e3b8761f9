import { expect } from 'vitest';
import {
  type Backend,
  conformsInProfile,
  expectSame,
  f32,
  firstDifference,
  type Run,
} from '../fixtures/conformance.ts';
import { conv, sizes } from '../fixtures/convolutions.ts';
import { clearMemory, place } from '../fixtures/memory.ts';
import { plain, randomInt, wild } from '../fixtures/random.ts';
import type { Conv2dAttrs } from '../kernels.ts';

/** Large products and all random cases only in `npm run test:thorough`. */
const isThorough = process.env.LOCKSTEP_THOROUGH === '1';
const numTiled = isThorough ? 60 : 4;
const mostProducts = isThorough ? 3e6 : 6e5;

const kinds = [
  ['plain', plain],
  ['special', wild],
] as const;

conformsInProfile('matmul', (backend) => {
  for (const m of [1, 3, 4, 6, 65, 130]) {
    for (const n of [1, 7, 8, 10, 24, 300]) {
      for (const k of [0, 1, 5, 64, 257, 520]) {
        if (m * n * k > mostProducts) continue;
        const transposes = { transposeA: randomInt(2) === 1, transposeB: randomInt(2) === 1 };
        const attrs = { batch: 1, m, n, k, ...transposes, batchA: true, batchB: true };
        const run: Run = (q, o, [a, b]) => q.matmul(o, a!, b!, attrs);
        expectSame(backend, f32(m * n), [plain(m * k), plain(k * n)], run, attrs);
      }
    }
  }
});

conformsInProfile('matmul in batches, all transposes, special values', (backend) => {
  for (let trial = 0; trial < 64; trial++) {
    const flag = (bit: number) => (trial & bit) !== 0;
    // Every other trial is larger than a tile.
    const most = trial < 32 ? [9, 17, 12] : [40, 70, 40];
    const [m, n, k] = most.map((size) => 1 + randomInt(size)) as [number, number, number];
    const flags = { transposeA: flag(1), transposeB: flag(2), batchA: flag(4), batchB: flag(8) };
    const attrs = { batch: 3, m, n, k, ...flags };
    const data = flag(16) ? wild : plain;
    const a = data((attrs.batchA ? 3 : 1) * m * k);
    const b = data((attrs.batchB ? 3 : 1) * k * n);
    expectSame(backend, f32(3 * m * n), [a, b], (q, o, [x, y]) => q.matmul(o, x!, y!, attrs), attrs);
  }
});

conformsInProfile('segmentedContraction', (backend) => {
  const expectContraction = (
    attrs: { segments: number; rows: number; m: number; n: number },
    data: (size: number) => Float32Array,
  ): void => {
    const { segments, rows, m, n } = attrs;
    const run: Run = (k, o, [a, b]) => k.segmentedContraction(o, a!, b!, attrs);
    expectSame(backend, f32(m * n), [data(segments * rows * m), data(segments * rows * n)], run, attrs);
  };
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
      if (segments * rows * m * n <= mostProducts) expectContraction({ segments, rows, m, n }, plain);
    }
  }
  for (let trial = 0; trial < (isThorough ? 32 : 12); trial++) {
    const [rows, m, n] = [40, 40, 70].map((most) => 1 + randomInt(most)) as [number, number, number];
    expectContraction({ segments: 4, rows, m, n }, trial % 2 === 0 ? wild : plain);
  }
});

const CONVOLUTIONS: readonly Conv2dAttrs[] = [
  conv(2, 9, 9, 1, 16, 3, 3, 1, 1),
  conv(4, 7, 6, 16, 8, 3, 3, 1, 1),
  conv(2, 5, 7, 3, 10, 3, 3, 1, 1),
  conv(2, 9, 8, 3, 20, 3, 3, 1, 1),
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

type Make = (size: number) => Float32Array;

const expectConvolution = (backend: Backend, attrs: Conv2dAttrs, data: Make): void => {
  const { x, y, kernel } = sizes(attrs);
  const forward: Run = (k, o, [a, b]) => k.conv2d(o, a!, b!, attrs);
  const backward: Run = (k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs);
  expectSame(backend, f32(y), [data(x), data(kernel)], forward, attrs);
  expectSame(backend, f32(x), [data(y), data(kernel)], backward, attrs);
};

const expectKernelGrad = (
  backend: Backend,
  attrs: Conv2dAttrs,
  segments: number,
  combine: 'stack' | 'tree',
  data: Make,
): void => {
  const { x, y, kernel } = sizes(attrs);
  const grad = { ...attrs, segments, combine };
  const run: Run = (k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, grad);
  const out = f32(combine === 'stack' ? segments * kernel : kernel);
  expectSame(backend, out, [data(x), data(y)], run, grad);
};

for (const [kind, data] of kinds) {
  conformsInProfile(`direct convolutions and their gradients, ${kind} numbers`, (backend) => {
    for (const attrs of CONVOLUTIONS) {
      expectConvolution(backend, attrs, data);
      for (const combine of ['stack', 'tree'] as const) expectKernelGrad(backend, attrs, 2, combine, data);
    }
  });
}

/** A convolution by Winograd's algorithm. */
function tiled(
  batch: number,
  height: number,
  width: number,
  inChannels: number,
  outChannels: number,
  pad: number,
): Conv2dAttrs {
  const attrs = conv(batch, height, width, inChannels, outChannels, 3, 3, 1, pad);
  return { ...attrs, algorithm: 'winograd' };
}

/** A convolution of random sizes, even and odd, the smallest with a single output. */
function randomTiled(): Conv2dAttrs {
  const pad = randomInt(4);
  const size = () => Math.max(1 + randomInt(9), 3 - 2 * pad);
  const channels = () => 1 + randomInt(40);
  const attrs = tiled(1 + randomInt(3), size(), size(), channels(), channels(), pad);
  const padLeft = Math.min(randomInt(4), attrs.width - 1);
  return { ...attrs, padLeft };
}

const TILED: readonly Conv2dAttrs[] = [
  tiled(2, 1, 1, 1, 1, 1),
  tiled(1, 2, 2, 4, 8, 1),
  tiled(2, 9, 8, 3, 20, 1),
  tiled(3, 9, 8, 5, 7, 0),
  tiled(2, 4, 5, 8, 16, 3),
  // Several blocks of terms and columns, then of tiles that span images.
  tiled(1, 5, 4, 130, 70, 1),
  tiled(1, 3, 2, 300, 50, 1),
  tiled(3, 22, 23, 40, 9, 1),
  // Nothing to add up, and nothing to write.
  tiled(1, 4, 4, 0, 3, 1),
  tiled(1, 4, 4, 3, 0, 1),
  tiled(0, 4, 4, 3, 3, 1),
];

/** Each with a number of segments. */
const TILED_GRADS: readonly (readonly [Conv2dAttrs, number])[] = [
  [tiled(1, 1, 1, 1, 1, 1), 1],
  [tiled(2, 2, 2, 4, 8, 1), 2],
  [tiled(2, 9, 8, 3, 20, 1), 2],
  [tiled(3, 9, 8, 5, 7, 0), 1],
  [tiled(8, 4, 5, 8, 16, 3), 8],
  // Several blocks of channels and columns, then of tiles that span images.
  [tiled(2, 3, 4, 53, 69, 1), 2],
  [tiled(4, 22, 23, 2, 60, 1), 2],
  // Nothing to add up, and nothing to write.
  [tiled(0, 4, 4, 3, 3, 1), 2],
  [{ ...tiled(2, 4, 4, 3, 9, 1), outHeight: 0 }, 2],
  [tiled(2, 4, 4, 0, 3, 1), 2],
  [tiled(2, 4, 4, 3, 0, 1), 2],
];

for (const [kind, data] of kinds) {
  conformsInProfile(`Winograd convolutions and their input gradients, ${kind} numbers`, (backend) => {
    for (const attrs of TILED) expectConvolution(backend, attrs, data);
  });

  conformsInProfile(`Winograd convolutions of random shapes, ${kind} numbers`, (backend) => {
    for (let trial = 0; trial < numTiled; trial++) expectConvolution(backend, randomTiled(), data);
  });

  conformsInProfile(`Winograd kernel gradients, ${kind} numbers`, (backend) => {
    for (const [attrs, segments] of TILED_GRADS) {
      for (const combine of ['stack', 'tree'] as const) {
        expectKernelGrad(backend, attrs, segments, combine, data);
      }
    }
    expectKernelGrad(backend, tiled(6, 5, 4, 3, 9, 1), 3, 'stack', data);
  });

  conformsInProfile(`Winograd kernel gradients of random shapes, ${kind} numbers`, (backend) => {
    for (let trial = 0; trial < numTiled / 2; trial++) {
      const segments = [1, 2, 8][trial % 3]!;
      const attrs = { ...randomTiled(), batch: segments * (1 + randomInt(2)) };
      expectKernelGrad(backend, attrs, segments, randomInt(2) === 0 ? 'stack' : 'tree', data);
    }
  });
}

conformsInProfile('rows of a matmul that are computed alone', ({ kernels }) => {
  const [m, n, k] = [37, 50, 300];
  const attrs = { batch: 1, m, n, k, transposeA: false, transposeB: false, batchA: true, batchB: true };
  clearMemory();
  const [a, b, whole, part] = placed(m * k, k * n, m * n, m * n);
  kernels.matmul(whole!, a!, b!, attrs);
  for (const rows of [1, 2, 5, 16]) {
    for (let i = 0; i < m; i += rows) {
      const count = Math.min(rows, m - i);
      const view = a!.subarray(i * k, (i + count) * k);
      kernels.matmul(part!.subarray(i * n, (i + count) * n), view, b!, { ...attrs, m: count });
    }
    expect(firstDifference(part!, whole!), `${rows} rows at a time`).toBeUndefined();
  }
});

for (const algorithm of ['direct', 'winograd'] as const) {
  conformsInProfile(`images of a convolution that are computed alone, ${algorithm}`, ({ kernels }) => {
    const attrs = { ...conv(5, 7, 7, 3, 12, 3, 3, 1, 1), algorithm };
    const { x, y, kernel } = sizes(attrs);
    clearMemory();
    const [input, weights, whole, part] = placed(x, kernel, y, y);
    kernels.conv2d(whole!, input!, weights!, attrs);
    for (let image = 0; image < 5; image++) {
      const from = input!.subarray((image * x) / 5, ((image + 1) * x) / 5);
      const to = part!.subarray((image * y) / 5, ((image + 1) * y) / 5);
      kernels.conv2d(to, from, weights!, { ...attrs, batch: 1 });
    }
    expect(firstDifference(part!, whole!)).toBeUndefined();
  });
}

conformsInProfile('refusal of a Winograd convolution of 5×5 taps', ({ kernels }) => {
  const attrs: Conv2dAttrs = { ...conv(1, 6, 6, 2, 2, 5, 5, 1, 1), algorithm: 'winograd' };
  const { x, y, kernel } = sizes(attrs);
  clearMemory();
  const [input, weights, out] = placed(x, kernel, y);
  expect(() => kernels.conv2d(out!, input!, weights!, attrs)).toThrow('kernels of 3×3');
  expect(() => kernels.conv2dInputGrad(input!, out!, weights!, attrs)).toThrow('kernels of 3×3');
  const grad = { ...attrs, segments: 1, combine: 'tree' } as const;
  expect(() => kernels.conv2dKernelGrad(weights!, input!, out!, grad)).toThrow('kernels of 3×3');
});

/** Arrays of plain numbers in the memory. */
function placed(...lengths: readonly number[]): Float32Array[] {
  return lengths.map((length) => place(plain(length)));
}
