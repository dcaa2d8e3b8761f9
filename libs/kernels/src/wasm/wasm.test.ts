import { describe, expect, it } from 'vitest';
import { f32, firstDifference } from '../fixtures/conformance.ts';
import { conv, sizes } from '../fixtures/convolutions.ts';
import { CANARY, clearMemory, memory, place, wasmKernels } from '../fixtures/memory.ts';
import { plain, wild } from '../fixtures/random.ts';
import type { Conv2dAttrs, Profile } from '../kernels.ts';
import { wasmFmaStatus } from './fma.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';

const wasm = wasmKernels('portable');
const profiles: readonly Profile[] = wasmFmaStatus().offered ? ['portable', 'fma'] : ['portable'];

const tiled = (
  batch: number,
  height: number,
  width: number,
  inChannels: number,
  outChannels: number,
): Conv2dAttrs => ({
  ...conv(batch, height, width, inChannels, outChannels, 3, 3, 1, 1),
  algorithm: 'winograd',
});

describe('instances of the wasm kernels', () => {
  it('leave any other array to the reference', () => {
    const out = new Float64Array(2);
    wasm.unary('exp', out, Float64Array.of(0, 1));
    expect([...out]).toEqual([1, Math.E]);
    const outside = new Float32Array(2);
    wasm.unary('sqrt', outside, Float32Array.of(4, 9));
    expect([...outside]).toEqual([2, 3]);
  });

  it('share a memory if each has its own scratch', () => {
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

  it('copy arrays that lie outside the memory', () => {
    const [x, out] = [wild(50), f32(50)];
    wasm.copy(out, x);
    expect(firstDifference(out, x)).toBeUndefined();
  });

  it.each(profiles)('write nothing outside their scratch, profile %s', (profile) => {
    const scratchOffset = 8 * MIN_SCRATCH_BYTES;
    const scratchBytes = MIN_SCRATCH_BYTES;
    const kernels = createWasmKernels({ memory, scratchOffset, scratchBytes, profile });
    for (const attrs of [tiled(8, 16, 16, 64, 64), tiled(4, 17, 15, 129, 65)]) {
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

  it.each(profiles)('combine a deep tree of kernel gradients, profile %s', (profile) => {
    const kernels = wasmKernels(profile);
    // The levels of the tree leave room for few columns.
    const [attrs, segments] = [tiled(256, 1, 1, 29, 57), 256];
    const { x, y, kernel } = sizes(attrs);
    clearMemory();
    const [input, grads] = [place(plain(x)), place(plain(y))];
    const [stack, tree, expected] = [place(f32(segments * kernel)), place(f32(kernel)), place(f32(kernel))];
    kernels.conv2dKernelGrad(tree, input, grads, { ...attrs, segments, combine: 'tree' });
    kernels.conv2dKernelGrad(stack, input, grads, { ...attrs, segments, combine: 'stack' });
    kernels.treeSum(expected, stack, { segments, size: kernel });
    expect(firstDifference(tree, expected)).toBeUndefined();
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
