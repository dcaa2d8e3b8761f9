import { describe, expect, it } from 'vitest';
import { parseIdx } from './idx.ts';

const header = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3];

describe('parseIdx', () => {
  it('reads shape and bytes', () => {
    const { shape, data } = parseIdx(Uint8Array.from([...header, 1, 2, 3, 4, 5, 6]));
    expect(shape).toEqual([2, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each([
    [[0, 0], 'too few for an IDX header'],
    [[1, 0, 8, 1], 'does not start with two zero bytes'],
    [[0, 0, 13, 1, 0, 0, 0, 0], 'its elements are float32, not uint8'],
    [[0, 0, 7, 1, 0, 0, 0, 0], 'its elements are of type 7'],
    [header.slice(0, 9), 'ends inside the header of a rank 2 array'],
    [[...header, 1, 2, 3], 'shape [2, 3] needs 18 bytes, but it has 15'],
    [[...header, 1, 2, 3, 4, 5, 6, 7], 'shape [2, 3] needs 18 bytes, but it has 19'],
  ])('refuses %j', (bytes, message) => {
    expect(() => parseIdx(Uint8Array.from(bytes), 'labels')).toThrow(message);
  });
});
