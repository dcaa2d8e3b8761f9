import { expect, it } from 'vitest';
import { describeValue } from './describe.ts';

class Model {}

it.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  [NaN, 'NaN'],
  [-0, '-0'],
  [true, 'true'],
  ['tanh', "the string 'tanh'"],
  ['x'.repeat(50), `the string '${'x'.repeat(40)}…'`],
  [3n, 'the bigint 3n'],
  [Symbol('s'), 'a symbol'],
  [Math.abs, 'the function abs'],
  [() => 0, 'a function'],
  [[], 'an empty list'],
  [[1, 2], 'the list [1, 2]'],
  [['a', null, undefined], "the list ['a', null, undefined]"],
  [[1, 2, 3, 4, 5], 'a list of 5'],
  [[[1]], 'a list of 1'],
  [new Float32Array(2), 'a Float32Array'],
  [new Date(0), 'a Date'],
  [new Map(), 'a Map'],
  [new Model(), 'a Model'],
  [{}, 'an empty object'],
  [{ axis: 0 }, 'an object of axis'],
  [Object.create(null), 'an empty object'],
  [{ dtype: 'float32', shape: [2, 3] }, 'a float32 tensor of shape [2, 3]'],
])('%o is named %s', (value, name) => {
  expect(describeValue(value)).toBe(name);
});
