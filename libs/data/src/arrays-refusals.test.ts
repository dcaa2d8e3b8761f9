/** Samples that a caller without a type check may pass by mistake. */
import { describe, expect, it } from 'vitest';
import { fromArrays } from './arrays.ts';

const cyclic: unknown[] = [];
cyclic.push(cyclic);

it.each<[string, unknown, string]>([
  ['strings', ['cat', 'dog'], "fromArrays: x[0] is the string 'cat'; samples are numbers"],
  [
    'strings in rows',
    [
      [1, 2],
      [3, 'a'],
    ],
    "fromArrays: x[1][1] is the string 'a'",
  ],
  [
    'null in rows',
    [
      [1, 2],
      [3, null],
    ],
    'fromArrays: x[1][1] is null',
  ],
  ['a missing row', [[1, 2], undefined], 'fromArrays: x[1] is undefined'],
  ['holes', new Array(2), 'fromArrays: x[0] is undefined'],
  ['dates', [new Date(0)], 'fromArrays: x[0] is a Date'],
  ['maps', [new Map()], 'fromArrays: x[0] is a Map'],
  ['bigints', [1n], 'fromArrays: x[0] is the bigint 1n'],
  ['64-bit integers in rows', [new BigInt64Array(2)], 'fromArrays: x[0] is a BigInt64Array'],
  ['a number where rows have numbers', [[1, 2], 3], 'fromArrays: x[1] has shape []'],
  ['an array that contains itself', cyclic, 'nested more than 64 deep'],
])('%s among samples are an error that names the place', async (_name, x, message) => {
  await expect(fromArrays({ x } as never).load()).rejects.toThrow(message);
});

it.each<[string, unknown]>([
  ['a string for a column', { x: 'text' }],
  ['null for a column', { x: null }],
  ['an object for a column', { x: {} }],
  ['64-bit integers for a column', { x: new BigInt64Array(2) }],
  ['a list for the columns', [[1, 2]]],
  ['null for the columns', null],
])('%s is an error before anything is loaded', (_name, columns) => {
  expect(() => fromArrays(columns as never)).toThrow(
    /fromArrays: columns is .*; it must be an object of columns/,
  );
});

describe('fromArrays, whole numbers and fields', () => {
  it.each([
    [[16777217]],
    [new Int32Array([16777217])],
    [new Float64Array([-33554433])],
    [new Uint32Array([4294967295])],
  ])('refuses %j, which float32 rounds to another whole number', async (y) => {
    await expect(fromArrays({ x: [[1]], y }).load()).rejects.toThrow(
      /float32 would round the whole number -?\d+ of y\[0\]/,
    );
    await expect(fromArrays({ x: [[1]], y }, { dtypes: { y: 'float64' } }).load()).resolves.toBeDefined();
  });

  it('accepts large values that are not written as whole numbers', async () => {
    const { splits } = await fromArrays({ x: [1e30, 16777217.5], y: [2 ** 40, 16777216] }).load();
    expect(Array.from(splits.train.fields.x!.storage)).toEqual([Math.fround(1e30), 16777218]);
  });

  it('refuses a type for an unknown field', async () => {
    await expect(fromArrays({ x: [1], y: [2] }, { dtypes: { Y: 'int32' } }).load()).rejects.toThrow(
      "fromArrays: dtypes names the unknown field 'Y'; the fields are x, y",
    );
  });
});
