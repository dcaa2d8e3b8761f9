import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type TypedArray, viewOf } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { f32, firstDifference } from '../fixtures/conformance.ts';
import { full, plain, wild } from '../fixtures/random.ts';
import type { FusedAttrs, Kernels } from '../kernels.ts';
import { opCodes } from '../operations.ts';
import { referenceKernels } from '../reference/index.ts';
import { adviseLargePages, availableSets, nativeStatus } from './addon.ts';
import { createNativeKernels } from './native.ts';

const reference = referenceKernels('fma');
const sets = availableSets();
const ADDON = fileURLToPath(new URL('../../build/native.node', import.meta.url));

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function digestBy(kernels: Kernels, x: TypedArray): Uint32Array {
  const out = new Uint32Array(2);
  kernels.digest(out, x);
  return out;
}

if (sets.length === 0) {
  it('says why this machine has no native kernels', () => {
    expect(nativeStatus()).toMatchObject({ available: false, reason: expect.stringMatching(/./) });
    expect(createNativeKernels()).toBeUndefined();
  });
}

it.skipIf(sets.length === 0)('large pages leave the memory’s content alone', () => {
  const memory = new SharedArrayBuffer(5 * 2 ** 20);
  const words = new Int32Array(memory);
  words[words.length - 1] = 7;
  adviseLargePages(memory);
  expect(words[words.length - 1]).toBe(7);
  words.fill(3);
  expect(words.every((word) => word === 3)).toBe(true);
});

describe.each(sets)('native kernels with %s', (set) => {
  const native = createNativeKernels(set) as Kernels;

  it('refuse arrays that are shorter than their shapes', () => {
    const attrs = { outer: 4, size: 4, inner: 1 };
    expect(() => native.reduce('sum', f32(4), f32(15), attrs)).toThrow(
      /x has 15 elements, its shape needs 16/,
    );
    const view = { shape: [2, 2], strides: [-1, 1], offset: 0 };
    expect(() => native.readStrided(f32(4), f32(4), view)).toThrow(/reaches from -1 to 1/);
    const operand = { data: f32(3), repeat: 1, period: 4 };
    expect(() => native.binary('add', f32(4), operand, operand)).toThrow(/need a whole period/);
    expect(() => native.copy(f32(2000), f32(1999))).toThrow(/out has 2000 elements and x 1999/);
    expect(() => native.copy(f32(2000), new Int32Array(2000))).toThrow(/out is float32 and x int32/);
    const rows = { rows: 3, width: 4 };
    const one = Int32Array.of(0);
    expect(() => native.gather(f32(4), f32(11), one, rows)).toThrow(
      /table has 11 elements, too few for 3 rows/,
    );
    expect(() => native.gather(f32(3), f32(12), one, rows)).toThrow(/out has 3 elements, too few for 1 rows/);
    expect(() => native.gather(f32(4), f32(12), one, { rows: -3, width: -4 })).toThrow(/-3 rows of -4/);
    expect(() => native.randomBits(new Uint32Array(2), new Uint32Array(1))).toThrow(/key has 1/);
    expect(() => native.digest(new Uint32Array(1), f32(4))).toThrow(/out has 1 elements, its shape needs 2/);
  });

  it('refuse sums over another length than the chain has', () => {
    const attrs: FusedAttrs = {
      instructions: [],
      outputs: [0, 0],
      sums: [null, { outer: 1, size: 5, inner: 1 }],
    };
    expect(() => native.fused([f32(4), f32(1)], [full(f32(4))], attrs)).toThrow(/this chain has 4/);
  });

  it('refuse a register that is not written yet', () => {
    const attrs: FusedAttrs = { instructions: [{ op: 'add', args: [0, 1] }], outputs: [1] };
    expect(() => native.fused([f32(4)], [full(f32(4))], attrs)).toThrow(/register 1 is read when only 1/);
  });

  it('run in a thread over shared memory', async () => {
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

  it('write large outputs past the caches at any alignment', () => {
    const size = 1_600_003;
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'add', args: [0, 1] },
        { op: 'mul', args: [3, 2] },
      ],
      outputs: [3, 4],
    };
    const bias = { data: plain(48), repeat: 1, period: 48 };
    const inputs = [full(plain(size)), full(plain(size)), bias];
    const expected = [f32(size), f32(size)];
    reference.fused(expected, inputs, attrs);
    for (const shifts of [
      [0, 0],
      [1, 1],
      [5, 8],
    ]) {
      const buffers = shifts.map((shift) => f32(size + 32).subarray(shift, shift + size));
      native.fused(buffers, inputs, attrs);
      for (const [o, out] of buffers.entries()) {
        expect(Buffer.compare(bytesOf(out), bytesOf(expected[o]!)), `shifts ${shifts}`).toBe(0);
        const after = new Float32Array(out.buffer, out.byteOffset + out.byteLength);
        expect(
          [...after].every((x) => x === 7),
          'nothing is written past the end',
        ).toBe(true);
      }
    }
  });

  it('copy between any memories', () => {
    const x = wild(3000);
    const shared = viewOf('float32', new SharedArrayBuffer(12_004), 4, 3000);
    const ordinary = viewOf('float32', new ArrayBuffer(12_100), 36, 3000);
    native.copy(shared, x);
    native.copy(ordinary, shared);
    for (const array of [shared, ordinary]) expect(firstDifference(array, x)).toBeUndefined();
  });

  it('take arrays in shared and in ordinary memory', () => {
    const x = wild(100);
    const expected = f32(100);
    reference.unary('exp', expected, x);
    for (const buffer of [new ArrayBuffer(1000), new SharedArrayBuffer(1000)]) {
      const [input, out] = [viewOf('float32', buffer, 4, 100), viewOf('float32', buffer, 500, 100)];
      input.set(x);
      native.unary('exp', out, input);
      expect(firstDifference(out, expected)).toBeUndefined();
      expect(digestBy(native, input)).toEqual(digestBy(reference, x));
    }
  });
});
