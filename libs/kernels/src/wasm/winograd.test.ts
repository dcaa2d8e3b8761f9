import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Conv2dAttrs } from '../kernels.ts';
import { conv, sizes } from './fixtures/convolutions.ts';
import {
  CANARY,
  clearMemory,
  expectSame,
  f32,
  firstDifference,
  memory,
  place,
  plain,
  profiles,
  type Run,
  randomInt,
  wasmKernels,
  wild,
} from './fixtures/same-bits.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A convolution by Winograd's algorithm, of 3×3 taps and stride 1. */
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

/** Of random sizes, even and odd, from those on that leave an output. */
function randomTiled(): Conv2dAttrs {
  const pad = randomInt(4);
  const size = () => Math.max(1 + randomInt(9), 3 - 2 * pad);
  const channels = () => 1 + randomInt(40);
  const attrs = tiled(1 + randomInt(3), size(), size(), channels(), channels(), pad);
  const padLeft = Math.min(randomInt(4), attrs.width - 1);
  return { ...attrs, padLeft };
}

const TILED: Conv2dAttrs[] = [
  tiled(2, 1, 1, 1, 1, 1),
  tiled(1, 2, 2, 4, 8, 1),
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

const kinds = [
  ['plain', plain],
  ['special', wild],
] as const;

describe.each(profiles)('convolutions by tiles equal the reference of profile %s', (profile) => {
  const wasm = wasmKernels(profile);

  const expectBoth = (attrs: Conv2dAttrs, data: (size: number) => Float32Array) => {
    const { x, y, kernel } = sizes(attrs);
    const forward: Run = (k, o, [a, b]) => k.conv2d(o, a!, b!, attrs);
    const backward: Run = (k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs);
    expectSame(f32(y), [data(x), data(kernel)], forward, attrs, wasm);
    expectSame(f32(x), [data(y), data(kernel)], backward, attrs, wasm);
  };

  it.each(kinds)('conv2d and its gradient by the input, %s numbers', (_kind, data) => {
    for (const attrs of TILED) expectBoth(attrs, data);
  });

  it.each(kinds)('of random shapes, %s numbers', (_kind, data) => {
    for (let trial = 0; trial < 60; trial++) expectBoth(randomTiled(), data);
  });

  const expectKernelGrad = (
    attrs: Conv2dAttrs,
    segments: number,
    combine: 'stack' | 'tree',
    data: (size: number) => Float32Array,
  ) => {
    const { x, y, kernel } = sizes(attrs);
    const grad = { ...attrs, segments, combine };
    const run: Run = (k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, grad);
    expectSame(f32(combine === 'stack' ? segments * kernel : kernel), [data(x), data(y)], run, grad, wasm);
  };

  it.each(kinds)('the gradient by the kernel, %s numbers', (_kind, data) => {
    for (const [attrs, segments] of TILED_GRADS) {
      for (const combine of ['stack', 'tree'] as const) expectKernelGrad(attrs, segments, combine, data);
    }
    expectKernelGrad(tiled(6, 5, 4, 3, 9, 1), 3, 'stack', data);
  });

  it('the gradient by the kernel, where the levels of the tree leave room for few columns', () => {
    const [attrs, segments] = [tiled(256, 1, 1, 29, 57, 1), 256];
    const { x, y, kernel } = sizes(attrs);
    clearMemory();
    const [input, grads, stack, tree, expected] = [
      plain(x),
      plain(y),
      f32(segments * kernel),
      f32(kernel),
      f32(kernel),
    ].map(place) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
    wasm.conv2dKernelGrad(tree, input, grads, { ...attrs, segments, combine: 'tree' });
    wasm.conv2dKernelGrad(stack, input, grads, { ...attrs, segments, combine: 'stack' });
    wasm.treeSum(expected, stack, { segments, size: kernel });
    expect(firstDifference(tree, expected)).toBeUndefined();
  });

  it.each(kinds)('the gradient by the kernel, of random shapes, %s numbers', (_kind, data) => {
    for (let trial = 0; trial < 30; trial++) {
      const segments = [1, 2, 8][trial % 3]!;
      const attrs = { ...randomTiled(), batch: segments * (1 + randomInt(2)) };
      expectKernelGrad(attrs, segments, randomInt(2) === 0 ? 'stack' : 'tree', data);
    }
  });

  it('stay in their scratch', () => {
    const scratchOffset = 8 * MIN_SCRATCH_BYTES;
    const scratchBytes = MIN_SCRATCH_BYTES;
    const kernels = createWasmKernels({ memory, scratchOffset, scratchBytes, profile });
    for (const attrs of [tiled(8, 16, 16, 64, 64, 1), tiled(4, 17, 15, 129, 65, 1)]) {
      const { x, y, kernel } = sizes(attrs);
      clearMemory();
      const [input, weights, grads] = [f32(x), f32(kernel), f32(y)].map(place) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const bytes = new Uint8Array(memory.buffer, scratchOffset - 1024, scratchBytes + 2048).fill(CANARY);
      kernels.conv2d(grads, input, weights, attrs);
      kernels.conv2dInputGrad(input, grads, weights, attrs);
      for (const segments of [1, 4]) {
        kernels.conv2dKernelGrad(weights, input, grads, { ...attrs, segments, combine: 'tree' });
      }
      const outside = [...bytes.subarray(0, 1024), ...bytes.subarray(1024 + scratchBytes)];
      expect(
        outside.every((byte) => byte === CANARY),
        JSON.stringify(attrs),
      ).toBe(true);
    }
  });

  it('refuses a kernel that has no tiles', () => {
    const attrs: Conv2dAttrs = { ...conv(1, 6, 6, 2, 2, 5, 5, 1, 1), algorithm: 'winograd' };
    const { x, y, kernel } = sizes(attrs);
    clearMemory();
    const [input, weights, out] = [plain(x), plain(kernel), f32(y)].map(place) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect(() => wasm.conv2d(out, input, weights, attrs)).toThrow('kernels of 3×3');
    expect(() => wasm.conv2dInputGrad(input, out, weights, attrs)).toThrow('kernels of 3×3');
    const grad = { ...attrs, segments: 1, combine: 'tree' } as const;
    expect(() => wasm.conv2dKernelGrad(weights, input, out, grad)).toThrow('kernels of 3×3');
  });
});
