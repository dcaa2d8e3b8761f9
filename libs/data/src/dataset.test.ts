import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { fillBatch } from './batch.ts';
import { createDataset, type Field, type Split, shareable } from './dataset.ts';

const pixels: Field = {
  name: 'x',
  shape: [2],
  dtype: 'float32',
  storage: Uint8Array.from([0, 1, 2, 3, 254, 255]),
  scale: Math.fround(0.0127),
  offset: Math.fround(-0.42),
};
const labels: Field = { name: 'y', shape: [], dtype: 'int32', storage: Int32Array.from([7, 8, 9]) };
const train: Split = { size: 3, fields: { x: pixels, y: labels } };
const dataset = createDataset({ name: 'tiny', splits: { train } });

describe('fillBatch', () => {
  it('gathers rows, and scales with one float32 rounding per operation', () => {
    const outs = { x: new Float32Array(8), y: new Int32Array(4) };
    fillBatch(train, Int32Array.of(2, 0, 0, 1), outs);
    const value = (byte: number) => Math.fround(Math.fround(byte * pixels.scale!) + pixels.offset!);
    expect([...outs.x]).toEqual([254, 255, 0, 1, 0, 1, 2, 3].map(value));
    expect([...outs.y]).toEqual([9, 7, 7, 8]);
  });

  it('copies rows that need no conversion by the given function', () => {
    const bytes: Field = {
      name: 'b',
      shape: [2],
      dtype: 'float32',
      storage: Uint8Array.of(1, 2, 3, 4, 5, 6),
    };
    const split = { size: 3, fields: { ...train.fields, b: bytes } };
    const outs = { x: new Float32Array(4), y: new Int32Array(2), b: new Float32Array(4) };
    const moved: unknown[] = [];
    fillBatch(split, Int32Array.of(2, 0), outs, (out, table, indices, attrs) => {
      moved.push([out === outs.y, table === labels.storage, [...indices], attrs]);
    });
    expect(moved).toEqual([[true, true, [2, 0], { rows: 3, width: 1 }]]);
    expect([...outs.b]).toEqual([5, 6, 1, 2]);
  });

  it('scales float storage like bytes', () => {
    const floats = { ...pixels, storage: Float32Array.from(pixels.storage) };
    const [a, b] = [new Float32Array(6), new Float32Array(6)];
    const all = Int32Array.of(0, 1, 2);
    fillBatch(train, all, { x: a });
    fillBatch({ size: 3, fields: { x: floats } }, all, { x: b });
    expect(b).toEqual(a);
  });

  it('gives bytes the same values in rows of any length, wherever they begin in memory', () => {
    for (const [width, first] of [3, 4, 8].flatMap((each) => [0, 2].map((at) => [each, at] as const))) {
      const memory = Uint8Array.from({ length: first + 5 * width }, (_, i) => (i * 37) % 256);
      const bytes = { ...pixels, shape: [width], storage: memory.subarray(first) };
      const floats = { ...bytes, storage: Float32Array.from(bytes.storage) };
      const rows = Int32Array.of(4, 0, 2);
      const [a, b] = [new Float32Array(3 * width), new Float32Array(3 * width)];
      fillBatch({ size: 5, fields: { x: bytes } }, rows, { x: a });
      fillBatch({ size: 5, fields: { x: floats } }, rows, { x: b });
      expect(a).toEqual(b);
    }
  });

  it('refuses buffers, fields and indices that do not fit', () => {
    const one = Int32Array.of(0);
    expect(() => fillBatch(train, Int32Array.of(3), {})).toThrow('no sample 3 in a split of 3');
    expect(() => fillBatch(train, Int32Array.of(-1), {})).toThrow('no sample -1');
    expect(() => fillBatch(train, one, { z: new Float32Array(1) })).toThrow(
      "no field 'z'; the data have x, y",
    );
    expect(() => fillBatch(train, one, { y: new Float32Array(1) })).toThrow(
      "'y' is int32, but its buffer is float32",
    );
    expect(() => fillBatch(train, one, { x: new Float32Array(1) })).toThrow(
      'are 2 elements; its buffer has 1',
    );
  });
});

describe('createDataset', () => {
  const hashOf = (field: Partial<Field>, size = 3) =>
    createDataset({
      name: 'tiny',
      splits: { train: { size, fields: { x: { ...pixels, ...field }, y: labels } } },
    }).hash;

  it('hashes contents and preprocessing', () => {
    expect(hashOf({})).toBe(dataset.hash);
    const changes: Partial<Field>[] = [
      { storage: Uint8Array.from([0, 1, 2, 3, 254, 254]) },
      { scale: 1 },
      { offset: 0 },
      { shape: [2, 1] },
    ];
    const hashes = [dataset.hash, ...changes.map((change) => hashOf(change))];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(createDataset({ name: 'tiny', splits: { train, test: train } }).hash).not.toBe(
      createDataset({ name: 'tiny', splits: { train, validation: train } }).hash,
    );
  });

  it('limits training to its first samples and keeps all samples of validation and test', () => {
    const splits = { train, validation: train, test: train };
    const limited = createDataset({ name: 'tiny', splits }, { limitSamples: 2 });
    expect(limited.splits.train.size).toBe(2);
    expect([limited.splits.validation?.size, limited.splits.test?.size]).toEqual([3, 3]);
    expect([...limited.splits.train.fields.x!.storage]).toEqual([0, 1, 2, 3]);
    expect(limited.hash).not.toBe(dataset.hash);
    expect(() => createDataset({ name: 'tiny', splits: { train } }, { limitSamples: 0 })).toThrow(
      'limitSamples must be a positive integer, not 0',
    );
  });

  it('refuses columns of a wrong length and empty splits', () => {
    expect(() => createDataset({ name: 'tiny', splits: { train: { ...train, size: 2 } } })).toThrow(
      'tiny/train/x has a row for each sample',
    );
    expect(() => createDataset({ name: 'tiny', splits: { train: { size: 0, fields: {} } } })).toThrow(
      'the train split has no samples',
    );
  });
});

describe('shareable', () => {
  it('shares one memory with a thread, for reading and writing', async () => {
    const shared = shareable(dataset);
    expect(shared.hash).toBe(dataset.hash);
    expect(shareable(shared).splits.train.fields.y!.storage).toBe(shared.splits.train.fields.y!.storage);
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      const { storage } = workerData.splits.train.fields.y;
      parentPort.postMessage([...storage]);
      storage[0] = 42;`;
    const worker = new Worker(code, { eval: true, workerData: shared });
    const [[seen]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    expect(seen).toEqual([7, 8, 9]);
    expect(shared.splits.train.fields.y!.storage[0]).toBe(42);
    expect(labels.storage[0]).toBe(7);
  });
});
