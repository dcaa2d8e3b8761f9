import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { csv } from './csv.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-csv-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function file(text: string): Promise<string> {
  const path = join(folder, 'points.csv');
  await writeFile(path, text);
  return path;
}

describe('csv', () => {
  it('reads features and a numeric label', async () => {
    const path = await file('a, b, y\n1, 2, 3.5\n\n4, "5", -6e-1\n');
    const { name, splits, classes } = await csv(path, { label: 'y' }).load();
    expect(name).toBe('points.csv');
    expect(classes).toBeUndefined();
    expect(splits.train.fields.x).toMatchObject({ shape: [2], dtype: 'float32' });
    expect([...splits.train.fields.x!.storage]).toEqual([1, 2, 4, 5]);
    expect([...splits.train.fields.y!.storage]).toEqual([3.5, Math.fround(-0.6)]);
  });

  it('sorts classes: numbers by value, others by text', async () => {
    const words = await csv(await file('x,y\n1,b\n2,a\n3,b\n'), { label: 'y', labelKind: 'class' }).load();
    expect(words.classes).toEqual(['a', 'b']);
    expect(words.splits.train.fields.y).toMatchObject({ dtype: 'int32', storage: Int32Array.of(1, 0, 1) });
    const numbers = await csv(await file('x,y\n1,10\n2,9\n'), { label: 'y', labelKind: 'class' }).load();
    expect(numbers.classes).toEqual(['9', '10']);
  });

  it('takes columns by number if there is no header, and only the listed features', async () => {
    const path = await file('1,2,3\n4,5,6\n');
    const { train } = (await csv(path, { label: 0, features: [2], header: false }).load()).splits;
    expect([...train.fields.x!.storage]).toEqual([3, 6]);
    expect([...train.fields.y!.storage]).toEqual([1, 4]);
  });

  it('standardizes with the statistics of the training rows', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i * 3 + 1},7,${i}`);
    const options = { label: 'y', standardize: true, split: { test: 0.25 } };
    const { train, test } = (await csv(await file(`a,b,y\n${lines.join('\n')}`), options).load()).splits;
    const column = (storage: ArrayLike<number>, j: number) =>
      Array.from(storage).filter((_, i) => i % 2 === j);
    const a = column(train.fields.x!.storage, 0);
    const mean = a.reduce((sum, v) => sum + v, 0) / a.length;
    const variance = a.reduce((sum, v) => sum + (v - mean) ** 2, 0) / a.length;
    expect(mean).toBeCloseTo(0, 6);
    expect(variance).toBeCloseTo(1, 6);
    expect(column(train.fields.x!.storage, 1)).toEqual(new Array(30).fill(0));
    expect(test?.size).toBe(10);
    const slope = (split: typeof train) =>
      (split.fields.x!.storage[2]! - split.fields.x!.storage[0]!) /
      (split.fields.y!.storage[1]! - split.fields.y!.storage[0]!);
    expect(slope(test!)).toBeCloseTo(slope(train), 5);
  });

  it('finds the file in the folder that LOCKSTEP_DATA names', async () => {
    await file('x,y\n1,2\n');
    vi.stubEnv('LOCKSTEP_DATA', folder);
    expect((await csv('points.csv', { label: 'y' }).load()).splits.train.size).toBe(1);
  });

  it.each([
    ['x,y\n1,2\n3,oops\n', "line 3, column 'y': 'oops' is not a float32 number"],
    ['x,y\n\n1,\n', "line 3, column 'y': the cell is empty"],
    ['x,z\n1,2\n', "no column 'y'; the file has x, z"],
    ['x,y,x\n1,2,3\n', "two columns are named 'x'"],
    ['x,y\n', 'there are no rows of data'],
    ['', 'there are no rows of data'],
    ['x,y\n1,2\n3\n', 'Invalid Record Length'],
    ['x,y\n1,"2\n', 'Quote Not Closed'],
  ])('refuses %j', async (text, message) => {
    await expect(csv(await file(text), { label: 'y' }).load()).rejects.toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringContaining(message) }),
    );
  });

  it('names the path of a missing file', async () => {
    await expect(csv('missing.csv', { label: 'y' }).load()).rejects.toThrow(
      /missing\.csv: cannot be read .*ENOENT/,
    );
  });
});
