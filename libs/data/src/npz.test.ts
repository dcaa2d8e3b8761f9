import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeNpz, writeArrays } from '@lockstep/formats';
import type { Storage } from '@lockstep/tensor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { npz } from './npz.ts';

const doubles = (shape: readonly number[], ...values: number[]): Storage => ({
  dtype: 'float64',
  shape,
  data: Float64Array.from(values),
});
const x = doubles([3, 2, 2], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0.1);
const y: Storage = { dtype: 'int32', shape: [3], data: Int32Array.of(2, 0, 1) };

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-npz-'));
  file = join(folder, 'data.npz');
  await writeArrays(file, {
    x,
    y,
    x_test: doubles([1, 2, 2], 1, 2, 3, 4),
    y_test: { ...y, shape: [1], data: y.data.slice(1, 2) },
  });
  await writeArrays(join(folder, 'x.npy'), { x });
  await writeArrays(join(folder, 'y.npy'), { y });
});
afterAll(() => rm(folder, { recursive: true }));

const fields = { x: 'x', y: 'y' };

describe('npz', () => {
  it('reads rows as samples and floating point as float32', async () => {
    const { splits, name } = await npz(file, { fields }).load();
    expect(name).toBe('data.npz');
    expect(splits.train.size).toBe(3);
    expect(splits.train.fields.x).toMatchObject({ shape: [2, 2], dtype: 'float32' });
    expect([...splits.train.fields.x!.storage]).toEqual([...Float32Array.from(x.data)]);
    expect(splits.train.fields.y).toMatchObject({ shape: [], dtype: 'int32' });
    expect([...splits.train.fields.y!.storage]).toEqual([2, 0, 1]);
  });

  it('reads bytes as int32, or as the requested type', async () => {
    const image = join(folder, 'image.npy');
    // What numpy.save writes of an array of uint8.
    const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117);
    await writeFile(
      image,
      Buffer.concat([
        Buffer.from('\x93NUMPY\x01\0v\0', 'latin1'),
        Buffer.from(`${header}\n`),
        Buffer.of(255, 2, 0, 1),
      ]),
    );
    const typeAndValues = async (dtype?: 'float32' | 'bool'): Promise<unknown[]> => {
      const { splits } = await npz({ x: image }, dtype && { dtypes: { x: dtype } }).load();
      const { x: field } = splits.train.fields;
      return [field!.dtype, ...field!.storage];
    };
    expect(await typeAndValues()).toEqual(['int32', 255, 2, 0, 1]);
    expect(await typeAndValues('float32')).toEqual(['float32', 255, 2, 0, 1]);
    await expect(typeAndValues('bool')).rejects.toThrow('element 0 is 255, which is no bool value (0 and 1)');
  });

  it('holds rows out, or reads a separate test split', async () => {
    const { splits } = await npz(file, {
      fields,
      split: { validation: 1 / 3 },
      test: { x: 'x_test', y: 'y_test' },
    }).load();
    expect([splits.train.size, splits.validation?.size, splits.test?.size]).toEqual([2, 1, 1]);
    expect([...splits.test!.fields.x!.storage]).toEqual([1, 2, 3, 4]);
  });

  it('reads .npy files, also from the folder LOCKSTEP_DATA', async () => {
    vi.stubEnv('LOCKSTEP_DATA', folder);
    const { hash } = await npz({ x: 'x.npy', y: 'y.npy' }, { dtypes: { y: 'float32' } }).load();
    vi.unstubAllEnvs();
    const again = npz({ x: join(folder, 'x.npy'), y: join(folder, 'y.npy') }, { dtypes: { y: 'float32' } });
    expect((await again.load()).hash).toBe(hash);
  });

  it.each([
    [{ fields: { x: 'X' } }, "data.npz: there is no array 'X'; the file has x, x_test, y, y_test"],
    [{}, 'data.npz: x has 3, x_test has 1'],
    [
      { fields, dtypes: { X: 'float32' as const } },
      "npz: dtypes names the unknown field 'X'; the fields are x, y",
    ],
    [
      { fields, dtypes: { x: 'int32' as const } },
      "data.npz: 'x': element 11 is 0.1, which is no int32 value",
    ],
  ])('refuses %o', async (options, message) => {
    await expect(npz(file, options).load()).rejects.toThrow(message);
  });

  it('refuses whole numbers that float32 would round', async () => {
    const ids: Storage = { dtype: 'int32', shape: [2], data: Int32Array.of(16777216, 16777217) };
    await writeArrays(join(folder, 'ids.npz'), { ids });
    const source = npz(join(folder, 'ids.npz'), { fields: { x: 'ids' }, dtypes: { x: 'float32' } });
    await expect(source.load()).rejects.toThrow("'ids': element 1 is 16777217, which is no float32 value");
  });

  it('reads only the requested arrays', async () => {
    const bytes = encodeNpz({ x, broken: doubles([1], 7) });
    const at = Buffer.from(bytes).indexOf('broken.npy') + 'broken.npy'.length + 130;
    bytes[at]! ^= 1;
    const path = join(folder, 'broken.npz');
    await writeFile(path, bytes);
    const { splits } = await npz(path, { fields: { x: 'x' } }).load();
    expect(splits.train.size).toBe(3);
    await expect(npz(path).load()).rejects.toThrow("'broken.npy' fails its checksum");
  });
});
