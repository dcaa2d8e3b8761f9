/** Indices: what is taken, by numbers and by tensors, and which indices are errors. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { bitsOf, ordinary } from '../../fixtures/values.ts';
import * as ops from '../../index.ts';
import {
  checkGrads,
  forLoop,
  grad,
  type Index,
  jit,
  jvp,
  scan,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
} from '../../index.ts';

const xs = tensor([5, 7, 11, 13]);
const m = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const int = (values: number | number[]): Tensor => tensor(values, { dtype: 'int32' });
const words = (values: number[]): Tensor => tensor(Uint32Array.from(values), { shape: [values.length] });

describe('an index that is a tensor', () => {
  it('takes the element of a loop’s turn, eager and compiled', () => {
    const total = (x: Tensor): Tensor => forLoop(0, 4, (i, sum) => sum.add(x.at(i)), tensor(0));
    const alternating = (x: Tensor): Tensor =>
      scan((i, sign) => [i.add(1), x.at(i).mul(sign)], int(0), tensor([1, -1, 1, -1]))[1].sum();
    const upTo = (x: Tensor): Tensor =>
      whileLoop(
        ({ i }) => x.at(i).less(12),
        ({ i, sum }) => ({ i: i.add(1), sum: sum.add(x.at(i)) }),
        { i: int(0), sum: tensor(0) },
      ).sum;
    for (const wrap of [(f: typeof total) => f, (f: typeof total) => jit(f)]) {
      expect(wrap(total)(xs).item()).toBe(36);
      expect(wrap(alternating)(xs).item()).toBe(5 - 7 + 11 - 13);
      expect(wrap(upTo)(xs).item()).toBe(5 + 7 + 11);
    }
    const squares = (x: Tensor): Tensor => forLoop(0, 4, (i, sum) => sum.add(x.at(i).square()), tensor(0));
    for (const g of [grad(squares), jit(grad(squares))]) expect(g(xs).toArray()).toEqual([10, 14, 22, 26]);
    checkGrads(squares, [xs]);
  });
  it('removes its axis if it is a scalar, and replaces it by its shape if not', () => {
    const one = int(1);
    expect(m.at(one).toArray()).toEqual([4, 5, 6]);
    expect(m.at(null, one).toArray()).toEqual([2, 5]);
    expect(m.at('...', one).toArray()).toEqual([2, 5]);
    expect(m.at(one, int(-1)).item()).toBe(6);
    expect(m.at(0, int(2)).item()).toBe(3);
    expect(m.at(int(0), [1, 3]).toArray()).toEqual([2, 3]);
    expect(m.at([null, null, -1], int(0)).toArray()).toEqual([4, 1]);
    expect(m.at(null, int([2, 0])).toArray()).toEqual([
      [3, 1],
      [6, 4],
    ]);
    expect(m.at(-1, int([2, 0])).toArray()).toEqual([6, 4]);
    expect(xs.at(int([0, 3]).reshape([2, 1])).toArray()).toEqual([[5], [13]]);
    expect(m.at(int([])).shape).toEqual([0, 3]);
    expect(xs.at(words([3])).toArray()).toEqual([13]);
    expect(ops.take(xs, words([0, 2])).toArray()).toEqual([5, 11]);
  });
  it('counts from the end if negative, and gives NaN outside the axis, 0 for integers', () => {
    const last = jit((x: Tensor, i: Tensor) => x.at(i));
    for (const f of [last, (x: Tensor, i: Tensor) => x.at(i)]) {
      expect(f(xs, int(-1)).item()).toBe(13);
      expect(f(xs, int(-4)).item()).toBe(5);
      expect(f(xs, int(4)).item()).toBeNaN();
      expect(f(xs, int(-5)).item()).toBeNaN();
      expect(f(int([1, 2]), int(2)).item()).toBe(0);
      // 2³² − 1 does not count as −1.
      expect(f(xs, words([2 ** 32 - 1]).reshape([])).item()).toBeNaN();
    }
  });
  it('has the bits of take in every transformation', () => {
    const x = ordinary([3, 4])(1);
    const f = (y: Tensor, i: Tensor): Tensor => y.at(null, i).sin().mul(y.at(0, i));
    const plain = (y: Tensor, i: number): Tensor => y.at(null, i).sin().mul(y.at(0, i));
    const all = int([2, -1, 0, 2]);
    const rows = ops.stack([2, -1, 0, 2].map((i) => plain(x, i)));
    const batch = vmap(f, { inAxes: [null, 0] });
    expect(bitsOf(batch(x, all))).toBe(bitsOf(rows));
    expect(bitsOf(jit(batch)(x, all))).toBe(bitsOf(rows));
    const both = vmap(f);
    expect(bitsOf(both(ops.stack([x, x.neg()]), int([1, 3])))).toBe(
      bitsOf(ops.stack([plain(x, 1), plain(x.neg(), 3)])),
    );
    const slope = (y: Tensor): Tensor => grad((z: Tensor) => f(z, int(1)).sum())(y);
    expect(slope(x).toArray()).toEqual(grad((z: Tensor) => plain(z, 1).sum())(x).toArray());
    expect(bitsOf(jit(slope)(x))).toBe(bitsOf(slope(x)));
    const moved = (g: (y: Tensor) => Tensor): Tensor => jvp(g, [x], [x.cos()])[1];
    expect(moved((y) => f(y, int(2))).toArray()).toEqual(moved((y) => plain(y, 2)).toArray());
    checkGrads((y: Tensor) => f(y, int(1)), [x]);
    checkGrads((y: Tensor) => y.at(int([1, 1, 0])), [x]);
    checkGrads((y: Tensor) => batch(y, all), [x]);
  });
});

describe('errors of indices', () => {
  const zeros = (shape: readonly number[]): Tensor => ops.zeros(shape, 'float64');
  const at =
    (x: Tensor, ...index: readonly unknown[]) =>
    () =>
      x.at(...(index as Index[]));
  const untyped = (f: unknown, ...args: unknown[]) => {
    return () => (f as (...all: unknown[]) => unknown)(...args);
  };
  it.each<[string, () => unknown, RegExp]>([
    [
      'a string',
      at(xs, '1'),
      /at: the string '1' is not an index of axis 0; an index is a whole number, null/,
    ],
    ['undefined', at(xs, undefined), /at: undefined is not an index of axis 0/],
    ['a truth value', at(xs, true), /at: true is not an index/],
    ['a fraction', at(xs, 1.5), /at: 1\.5 is not an index/],
    ['NaN', at(xs, Number.NaN), /at: NaN is not an index/],
    ['an object', at(m, 0, { start: 1 }), /at: an object of start is not an index of axis 1/],
    ['a function', at(xs, () => 1), /at: a function is not an index/],
    ['a typed array', at(xs, Int32Array.of(1)), /at: a Int32Array is not an index/],
    ['a list of one', at(xs, [1]), /at: the list \[1\] is not an index/],
    ['a list of four', at(xs, [0, 4, 1, 1]), /at: the list \[0, 4, 1, 1\] is not an index/],
    ['a range of fractions', at(xs, [0.5, 2]), /at: the list \[0\.5, 2\] is not an index/],
    ['a range without an end', at(xs, [1, undefined]), /at: the list \[1, undefined\] is not an index/],
    ['a step of 0', at(xs, [0, 4, 0]), /at: the list \[0, 4, 0\] is not an index/],
    ['a step that is null', at(xs, [0, 4, null]), /at: the list \[0, 4, null\] is not an index/],
    ['a range outside', at(xs, [0, 5]), /slice: 0:5:1 is outside axis 0 of \[4\]/],
    [
      'more indices than axes',
      at(xs, 0, null),
      /at: index null does not exist along axis 1 of \[4\]; give at most one/,
    ],
    [
      'more indices than axes, with dots',
      at(xs, '...', 0, 0),
      /at: index 0 does not exist along axis 1 of \[4\]/,
    ],
    [
      'an index of a scalar',
      at(tensor(1), 0),
      /at: index 0 does not exist along axis 0 of \[\]; give at most one/,
    ],
    ['two ellipses', at(m, '...', '...'), /at: '\.\.\.' may occur once/],
    ['a place outside', at(m, 0, 3), /index 3 does not exist along axis 1 of \[2, 3\], .* -3 … 2/],
    ['a place before', at(m, -3), /index -3 does not exist along axis 0/],
    [
      'a place of an empty axis',
      at(zeros([0]), 0),
      /index 0 does not exist along axis 0 of \[0\], which is empty/,
    ],
    ['a tensor of floats', at(xs, tensor(1)), /the index of axis 0 is float64\[\]; .*\.cast\('int32'\)/],
    ['a mask', at(xs, xs.greater(6)), /the index of axis 0 is bool\[4\]; .* compress\(\)/],
    [
      'two tensors, one of them a list',
      at(m, int(0), int([0, 1])),
      /the index of axis 1 .* each must be a scalar/,
    ],
    ['two lists', at(m, int([0]), int([0])), /each must be a scalar/],
    ['slice of a number', untyped(ops.slice, xs, 1), /slice: start is 1; it must be a list of whole numbers/],
    [
      'slice from undefined',
      untyped(ops.slice, xs, [undefined]),
      /slice: start is the list \[undefined\]; it must be/,
    ],
    ['slice to a string', untyped(ops.slice, xs, [0], ['2']), /slice: end is the list \['2'\]; it must be/],
    [
      'slice from a tensor',
      untyped(ops.slice, xs, [int(1)]),
      /slice: start is a list of 1; it must be .*take\(x, arange/,
    ],
    [
      'slice by null',
      untyped(ops.slice, xs, [0], [2], [null]),
      /slice: step is the list \[null\]; it must be/,
    ],
    [
      'slice by 0',
      () => ops.slice(xs, [0], [2], [0]),
      /slice: 0:2:0 is outside axis 0 of \[4\]; .* steps are whole and not 0/,
    ],
    ['slice with too many positions', () => ops.slice(xs, [0, 0]), /slice: more positions than the 1 axes/],
    [
      'split into a string',
      untyped(ops.split, xs, '2'),
      /split: parts is the string '2'; it must be a number, or a list of whole positions/,
    ],
    ['split into undefined', untyped(ops.split, xs), /split: parts is missing/],
    ['split into −2', () => ops.split(xs, -2), /split: -2 pieces; use a whole number ≥ 1/],
    ['split at NaN', () => ops.split(xs, [Number.NaN]), /split: parts is the list \[NaN\]; it must be/],
    [
      'split at fractions',
      () => ops.arraySplit(xs, [1.5]),
      /arraySplit: parts is the list \[1\.5\]; it must be/,
    ],
    ['split along null', untyped(ops.split, xs, 2, null), /split: axis is null; it must be an axis/],
    [
      'unstack along a string',
      untyped(ops.unstack, m, '0'),
      /unstack: axis is the string '0'; it must be an axis/,
    ],
    [
      'take of a truth value',
      untyped(ops.take, xs, true),
      /take: an index is a whole number, not true; a mask/,
    ],
    [
      'take of truth values',
      untyped(ops.take, xs, [true, false]),
      /take: an index is a whole number, not true/,
    ],
    ['take of undefined', untyped(ops.take, xs), /take: indices is missing/],
    ['take of NaN', () => ops.take(xs, [Number.NaN]), /take: index NaN does not exist/],
    ['take of a string', untyped(ops.take, xs, ['1']), /not of the string '1'/],
    ['take along null', untyped(ops.take, xs, 0, null), /take: axis is null; it must be an axis/],
    ['take along a string', untyped(ops.take, m, 0, '1'), /take: axis is the string '1'; it must be an axis/],
    ['take by floats', () => ops.take(xs, tensor([1])), /take: indices are int32, not float64/],
    ['gather by a number', untyped(ops.gather, xs, 1), /gather: indices is 1; it must be a tensor/],
    ['takeAlongAxis of truth', untyped(ops.takeAlongAxis, xs, [true]), /takeAlongAxis: an index is a whole/],
    ['putAlongAxis outside', () => ops.putAlongAxis(xs, [4], [1]), /putAlongAxis: index 4 does not exist/],
    ['indexUpdate outside', () => ops.indexUpdate(xs, 4, 1), /indexUpdate: index 4 does not exist/],
    [
      'indexUpdate of truth',
      untyped(ops.indexUpdate, xs, false, 1),
      /indexUpdate: an index is a whole number/,
    ],
    ['indexAdd of a fraction', () => ops.indexAdd(xs, 0.5, 1), /indexAdd: index 0\.5 does not exist/],
    ['flip of a string', untyped(ops.flip, xs, 'x'), /flip: axes is the string 'x'; it must be an axis/],
    ['sum over null', untyped(ops.sum, xs, null), /sum: axes is null; it must be an axis/],
    ['transpose by numbers', untyped(ops.transpose, m, 1), /transpose: axes is 1; it must be a list of axes/],
    ['expandDims of nothing', untyped(ops.expandDims, m), /expandDims: axes is missing/],
    ['moveAxis to nothing', untyped(ops.moveAxis, m, 0), /moveAxis: to is missing/],
    [
      'repeat by a string',
      untyped(ops.repeat, m, '2', 0),
      /repeat: counts is the string '2'; it must be a number/,
    ],
    ['tile by undefined', untyped(ops.tile, m), /tile: counts is missing/],
    ['roll by a string', untyped(ops.roll, m, '1', 0), /roll: shift is the string '1'; it must be a number/],
  ])('%s', (_what, call, message) => {
    expect(call).toThrow(LockstepError);
    expect(call).toThrow(message);
  });
});
