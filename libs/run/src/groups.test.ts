import { describe, expect, it } from 'vitest';
import { itemsOf, pack, placesOf, unpack } from './groups.ts';

const groups = { params: ['w', 'b'], weights: 'weights', extra: [], keys: 'keys' };
const named = { params: [1, 2], weights: 3, extra: [], keys: 4 };

describe('pack and unpack', () => {
  it('are inverse by name', () => {
    expect(pack(groups, named)).toEqual([1, 2, 3, 4]);
    expect(unpack(groups, [1, 2, 3, 4])).toEqual(named);
    expect(unpack(groups, pack(groups, named))).toEqual(named);
    expect(pack(groups, unpack(groups, [5, 6, 7, 8]))).toEqual([5, 6, 7, 8]);
  });

  it('take the order from the description, not from the values', () => {
    const { keys, weights, extra, params } = named;
    expect(pack(groups, { keys, weights, extra, params })).toEqual(pack(groups, named));
    const reversed = Object.fromEntries(Object.entries(groups).reverse()) as typeof groups;
    expect(pack(reversed, named)).toEqual([4, 3, 1, 2]);
    expect(unpack(reversed, pack(reversed, named))).toEqual(named);
  });

  it('give items and places in the same order', () => {
    expect(itemsOf(groups)).toEqual(['w', 'b', 'weights', 'keys']);
    expect(placesOf(groups)).toEqual({ params: [0, 1], weights: 2, extra: [], keys: 3 });
  });

  it('refuse lists of other lengths, and a list in the place of one value', () => {
    expect(() => pack(groups, { ...named, keys: [4] })).toThrow("'keys' takes one value, not a list");
    expect(() => pack(groups, { ...named, params: [1] })).toThrow("'params' takes 2 values, not 1");
    expect(() => unpack(groups, [1, 2, 3])).toThrow('params, weights, extra, keys take 4 values, not 3');
    expect(() => unpack(groups, [1, 2, 3, 4, 5])).toThrow('take 4 values, not 5');
  });

  it('refuse names that the description does not have', () => {
    expect(() => pack(groups, { ...named, wieghts: 3 })).toThrow("there is no 'wieghts' but params, weights");
  });

  it('refuse other names and single values in the place of lists by type', () => {
    const { weights: _left, ...rest } = named;
    // @ts-expect-error a name is missing
    expect(() => pack(groups, rest)).toThrow("there is no value for 'weights'");
    // @ts-expect-error one value where the description has a list
    expect(() => pack({ params: ['w'] }, { params: 1 })).toThrow("'params' takes 1 values");
    // @ts-expect-error there is no such name
    expect(unpack(groups, [1, 2, 3, 4]).gradients).toBeUndefined();
  });
});
