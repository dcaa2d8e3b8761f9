import { describe, expect, it } from 'vitest';
import { fromArrays } from './arrays.ts';

describe('fromArrays', () => {
  it('takes nested arrays and typed arrays', async () => {
    const x = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    ];
    const source = fromArrays({ x, y: [0, 1], z: Float64Array.of(0.5, 0.1) }, { dtypes: { y: 'int32' } });
    const { train } = (await source.load()).splits;
    expect(train.size).toBe(2);
    expect(train.fields.x).toMatchObject({ shape: [2, 2], dtype: 'float32' });
    expect([...train.fields.x!.storage]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(train.fields.y!.storage).toBeInstanceOf(Int32Array);
    expect(train.fields.z!.storage[1]).toBe(Math.fround(0.1));
    expect(train.fields.x!.storage.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('takes bytes as the numbers 0 … 255', async () => {
    const x = [Uint8Array.of(255, 2), Uint8Array.of(0, 1)];
    const y = Uint8Array.of(7, 255);
    const { train } = (await fromArrays({ x, y }, { dtypes: { y: 'int32' } }).load()).splits;
    expect([train.fields.x!.dtype, ...train.fields.x!.storage]).toEqual(['float32', 255, 2, 0, 1]);
    expect([train.fields.y!.dtype, ...train.fields.y!.storage]).toEqual(['int32', 7, 255]);
    await expect(fromArrays({ x }, { dtypes: { x: 'bool' } }).load()).rejects.toThrow(
      "x[0][0] is 255, which is no bool value (0 and 1); give the field another type, as in dtypes: { x: 'float32' }",
    );
  });

  it.each([
    [1.5, 'int32'],
    [3e9, 'int32'],
    [-1, 'uint32'],
    [2 ** 32, 'uint32'],
    [2, 'bool'],
    [-1, 'bool'],
    [Number.NaN, 'int32'],
    [Number.POSITIVE_INFINITY, 'uint32'],
  ] as const)('refuses %d as %s', async (value, dtype) => {
    const source = fromArrays({ y: [0, value] }, { dtypes: { y: dtype } });
    await expect(source.load()).rejects.toThrow(`y[1] is ${value}, which is no ${dtype} value`);
  });

  it('splits without a seed: each row is in one split, every load gives the same rows, and fields stay aligned', async () => {
    const y = Array.from({ length: 50 }, (_, i) => i);
    const source = fromArrays({ x: y.map((i) => [i, -i]), y }, { split: { validation: 0.2, test: 0.1 } });
    const { splits, hash } = await source.load();
    const rows = [splits.train, splits.validation!, splits.test!].map(({ fields }) => [...fields.y!.storage]);
    expect(rows.map((list) => list.length)).toEqual([35, 10, 5]);
    expect(rows.flat().sort((a, b) => a - b)).toEqual(y);
    expect(rows[2]).not.toEqual(y.slice(0, 5));
    const first = splits.test!.fields.y!.storage[0]!;
    expect([...splits.test!.fields.x!.storage.slice(0, 2)]).toEqual([first, -first]);
    expect((await source.load()).hash).toBe(hash);
  });

  it.each([
    [{ x: [[1, 2], [3]], y: [1, 2] }, 'x[1] has shape [1], but the samples before it have [2]'],
    [{ x: [1, [2]], y: [1, 2] }, 'x[1] has shape [1], but the samples before it have []'],
    [{ x: [1, 2], y: [1] }, 'x has 2, y has 1'],
    [{}, 'there is no column'],
    [{ x: [] }, 'x has 0'],
    [{ x: [1, Number.NaN] }, 'x[1] is NaN, which is no float32 value'],
    [{ x: [1, 1e39] }, 'x[1] is 1e+39, which is no float32 value'],
  ])('refuses %j', async (columns, message) => {
    await expect(fromArrays(columns).load()).rejects.toThrow(message);
  });

  it('refuses fractional labels of an integer type, and splits that leave no training rows', async () => {
    await expect(fromArrays({ y: [0.5] }, { dtypes: { y: 'int32' } }).load()).rejects.toThrow(
      'y[0] is 0.5, which is no int32 value',
    );
    await expect(fromArrays({ y: [1, 2] }, { split: { validation: 0.5, test: 0.5 } }).load()).rejects.toThrow(
      'leave none for training',
    );
  });
});
