/** Sums of more terms than float32 can count, in every backend of this machine. */
import { describe, expect, it } from 'vitest';
import type { Kernels } from './kernels.ts';
import { availableSets } from './native/addon.ts';
import { createNativeKernels } from './native/native.ts';
import { referenceKernels } from './reference/index.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm/wasm.ts';
import { createMemory } from './wasm/webassembly.ts';

const { fround } = Math;
const ROUNDING = 2 ** -24;
/** The largest error of the sum `exact` of n numbers of one sign: a rounding for each term of a chain and for each level. */
const bound = (n: number, exact: number): number => (16 + Math.ceil(Math.log2(n))) * ROUNDING * exact;

const memory = createMemory(MIN_SCRATCH_BYTES + 48 * 2 ** 20);
const wasm = createWasmKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES });
const inWasm = (length: number, at = MIN_SCRATCH_BYTES): Float32Array =>
  new Float32Array(memory.buffer, at, length);

const backends: readonly [string, Kernels, (length: number) => Float32Array, number][] = [
  // The reference is slow, so its sums have fewer terms.
  ['reference', referenceKernels(), (length) => new Float32Array(length), 20],
  ['wasm', wasm, inWasm, 1],
  ...availableSets().map(
    (set) =>
      [set, createNativeKernels(set)!, (length: number) => new Float32Array(length), 1] as [
        string,
        Kernels,
        (length: number) => Float32Array,
        number,
      ],
  ),
];

describe.each(backends)('long float32 sums of %s', (_name, kernels, array, less) => {
  const outputs = (length: number): Float32Array =>
    kernels === wasm ? inWasm(length, memory.buffer.byteLength - 4 * length) : new Float32Array(length);

  it.each([0.1, 0.3, 1 / 3, 0.001])('of ten million times %f', (value) => {
    const n = 1e7 / less;
    const x = array(n).fill(value);
    const out = outputs(1);
    kernels.reduce('sum', out, x, { outer: 1, size: n, inner: 1 });
    const exact = n * fround(value);
    expect(Math.abs(out[0]! - exact)).toBeLessThanOrEqual(bound(n, exact));
    // The error is far below the bound, since most roundings cancel.
    expect(Math.abs(out[0]! / exact - 1)).toBeLessThan(2e-7);
  });

  it('of ten million squares inside a chain', () => {
    const n = 1e7 / less;
    const x = array(n).fill(0.1);
    const out = outputs(1);
    const sums = [{ outer: 1, size: n, inner: 1 }];
    kernels.fused([out], [{ data: x, repeat: 1, period: n }], {
      instructions: [{ op: 'square', args: [0] }],
      outputs: [1],
      sums,
    });
    expect(Math.abs(out[0]! / (n * fround(fround(0.1) ** 2)) - 1)).toBeLessThan(2e-7);
  });

  it('of the columns of a long matrix', () => {
    const n = 1e6 / less;
    const x = array(3 * n);
    for (let i = 0; i < x.length; i++) x[i] = [0.1, 0.7, 1 / 3][i % 3]!;
    const out = outputs(3);
    kernels.reduce('sum', out, x, { outer: 1, size: n, inner: 3 });
    for (const [j, value] of [0.1, 0.7, 1 / 3].entries()) {
      expect(Math.abs(out[j]! / (n * fround(value)) - 1)).toBeLessThan(3e-7);
    }
  });

  it('of the moments of a long batch', () => {
    const n = 1e6 / less;
    const x = array(2 * n);
    const [rows, weights] = [x.subarray(0, n), x.subarray(n)];
    for (let i = 0; i < n; i++) rows[i] = i % 2 === 0 ? 100.1 : 100.3;
    weights.fill(1);
    const out = outputs(3);
    kernels.moments(out, rows, weights, { segments: 1, rows: n, inner: 1, channels: 1 });
    const half = (fround(100.3) - fround(100.1)) / 2;
    expect(out[0]).toBe(n);
    expect(Math.abs(out[1]! / (fround(100.1) + half) - 1)).toBeLessThan(3e-7);
    expect(Math.abs(out[2]! / (n * half ** 2) - 1)).toBeLessThan(1e-4);
  });

  it('of the updates of one row', () => {
    const n = 1e6 / less;
    const updates = array(n).fill(0.1);
    const indices =
      kernels === wasm
        ? new Int32Array(memory.buffer, MIN_SCRATCH_BYTES + 4 * n, n).fill(1)
        : new Int32Array(n).fill(1);
    const out = outputs(2);
    kernels.scatterAdd(out, updates, indices, { rows: 2, width: 1 });
    expect(out[0]).toBe(0);
    expect(Math.abs(out[1]! / (n * fround(0.1)) - 1)).toBeLessThan(3e-7);
  });
});
