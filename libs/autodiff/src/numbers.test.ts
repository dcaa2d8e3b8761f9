/** Numbers and bytes that become elements: a number that the type cannot hold is an error, never another number. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import * as ops from './index.ts';
import { type Tensor, tensor } from './index.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

type WholeType = 'int32' | 'uint32' | 'bool';

const misfits: Readonly<Record<WholeType, readonly number[]>> = {
  int32: [0.5, -1.5, 2 ** 31, -(2 ** 31) - 1, 3e9, 1e10, nan, infinity, -infinity],
  uint32: [0.5, -1, 2 ** 32, 1e10, nan, infinity],
  bool: [0.5, 2, -1, 255, nan, infinity],
};
const ranges: Readonly<Record<WholeType, string>> = {
  int32: 'whole numbers from -2147483648 to 2147483647',
  uint32: 'whole numbers from 0 to 4294967295',
  bool: '0 and 1',
};

/** Every way to pass a number together with an array. */
const beside: Readonly<Record<string, (x: Tensor, value: number) => unknown>> = {
  add: (x, value) => x.add(value),
  'add, in front': (x, value) => ops.add(value, x),
  sub: (x, value) => x.sub(value),
  mul: (x, value) => x.mul(value),
  div: (x, value) => x.div(value),
  floorDivide: ops.floorDivide,
  remainder: ops.remainder,
  maximum: (x, value) => x.maximum(value),
  minimum: (x, value) => x.minimum(value),
  equal: (x, value) => x.equal(value),
  notEqual: (x, value) => x.notEqual(value),
  less: (x, value) => x.less(value),
  lessEqual: (x, value) => x.lessEqual(value),
  greater: (x, value) => x.greater(value),
  greaterEqual: (x, value) => x.greaterEqual(value),
  logicalAnd: (x, value) => x.logicalAnd(value),
  'a list': (x, value) => x.maximum([0, value]),
  where: (x, value) => ops.where(tensor([1, 0], { dtype: 'bool' }), x, value),
  'clip from below': (x, value) => x.clip(value),
  'clip from above': (x, value) => x.clip(undefined, value),
  pad: (x, value) => ops.pad(x, 1, { value }),
  putAlongAxis: (x, value) => ops.putAlongAxis(x, [0], value),
  indexUpdate: (x, value) => ops.indexUpdate(x, [0], value),
  indexAdd: (x, value) => ops.indexAdd(x, [0], value),
  select: (x, value) => ops.select([tensor([1, 0], { dtype: 'bool' })], [x], value),
  searchSorted: (x, value) => ops.searchSorted(x, value),
  histogram: (x, value) => ops.histogram(x, [0, value]),
  stack: (x, value) => ops.stack([x, [0, value]]),
  dot: (x, value) => x.dot([0, value]),
  forLoop: (x, value) => ops.forLoop(0, 1, () => value as unknown as Tensor, x.at(0)),
};

/** Every way to make an array of a number. */
const made: Readonly<Record<string, (value: number, dtype: WholeType) => unknown>> = {
  tensor: (value, dtype) => tensor([0, value], { dtype }),
  'tensor of a number': (value, dtype) => tensor(value, { dtype }),
  'tensor of a typed array': (value, dtype) => tensor(Float64Array.of(value), { dtype }),
  'tensor of a tensor': (value, dtype) => tensor(tensor([value]), { dtype }),
  asTensor: (value, dtype) => ops.asTensor([value], dtype),
  full: (value, dtype) => ops.full([2], value, dtype),
};

function expectRefusal(run: () => unknown, value: number, dtype: WholeType): void {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LockstepError);
  const { code, message } = error as LockstepError;
  expect(code).toBe('dtype');
  expect(message).toContain(`${value} `);
  expect(message).toContain(ranges[dtype]);
  expect(message).toMatch(/\.cast\('|float32/);
}

describe.each(Object.keys(misfits) as WholeType[])('a number that %s cannot hold', (dtype) => {
  const x = ops.ones([2], dtype);
  it.each(Object.keys(beside))('is refused with an array of the type: %s', (name) => {
    for (const value of misfits[dtype]) expectRefusal(() => beside[name]!(x, value), value, dtype);
  });
  it.each(Object.keys(made))('is refused as an element: %s', (name) => {
    for (const value of misfits[dtype]) expectRefusal(() => made[name]!(value, dtype), value, dtype);
  });
  it('is refused inside jit', () => {
    const [value] = misfits[dtype] as [number];
    expectRefusal(() => ops.jit((y: Tensor) => y.maximum(value))(x), value, dtype);
  });
});

it('the ends of each range are numbers of the type', () => {
  expect(tensor([2 ** 31 - 1, -(2 ** 31), -0], { dtype: 'int32' }).toArray()).toEqual([
    2147483647, -2147483648, 0,
  ]);
  expect(tensor([2 ** 32 - 1, 0], { dtype: 'uint32' }).toArray()).toEqual([4294967295, 0]);
  expect(tensor([true, 0, 1], { dtype: 'bool' }).toArray()).toEqual([1, 0, 1]);
  expect(
    ops
      .ones([1], 'int32')
      .less(2 ** 31 - 1)
      .item(),
  ).toBe(1);
  expect(ops.ones([1], 'bool').equal(1).item()).toBe(1);
});

it('words of a key are whole', () => {
  expect(() => ops.keyTensor([1.5, 2])).toThrow('keyTensor: seed is the list [1.5, 2]');
  expect(() => ops.keyTensor([-1, 2])).toThrow('keyTensor: seed is the list [-1, 2]');
});

it('arange refuses numbers that the type does not hold', () => {
  expect(ops.arange(2, 'bool').toArray()).toEqual([0, 1]);
  expect(() => ops.arange(3, 'bool')).toThrow('arange: 2 is not a bool value');
});

it('the remedy leads to the right value', () => {
  const labels = tensor([1, 2, 3], { dtype: 'int32' });
  expect(() => labels.less(1.5)).toThrow(
    "less: 1.5 is given with an int32 array, which holds whole numbers from -2147483648 to 2147483647; convert the array first with .cast('float32')",
  );
  expect(labels.cast('float32').less(1.5).toArray()).toEqual([1, 0, 0]);
  expect(() => labels.add(1e10)).toThrow(".cast('float64')");
  expect(labels.cast('float64').add(1e10).toArray()).toEqual([1e10 + 1, 1e10 + 2, 1e10 + 3]);
  const hits = labels.equal([1, 0, 3]);
  expect(() => hits.mean()).toThrow(
    "mean: takes float32 or float64, not bool; convert with .cast('float32')",
  );
  expect(hits.cast('float32').mean().item()).toBe(Math.fround(2 / 3));
  expect(() => hits.sum()).toThrow('countNonZero()');
  expect(ops.countNonZero(hits).item()).toBe(2);
});

it('two types of whole numbers are converted to one that holds both', () => {
  const [int, uint, bool] = (['int32', 'uint32', 'bool'] as const).map((dtype) => ops.ones([1], dtype)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  expect(() => int.add(uint)).toThrow("int32 and uint32; convert both with .cast('float64')");
  expect(() => bool.equal(int)).toThrow("bool and int32; convert one with .cast('int32')");
  expect(() => uint.equal(bool)).toThrow("uint32 and bool; convert one with .cast('uint32')");
  expect(() => int.add(ops.ones([1]))).toThrow("int32 and float32; convert one with .cast('float32')");
});

it('cast truncates and saturates, as documented', () => {
  const x = tensor([-1.9, 1.9, 3e9, -3e9, nan, infinity]);
  expect(x.cast('int32').toArray()).toEqual([-1, 1, 2147483647, -2147483648, 0, 2147483647]);
  expect(x.cast('uint32').toArray()).toEqual([0, 1, 3000000000, 0, 0, 4294967295]);
  expect(x.cast('bool').toArray()).toEqual([1, 1, 1, 1, 1, 1]);
  expect(tensor([-1], { dtype: 'int32' }).cast('uint32').toArray()).toEqual([4294967295]);
});

describe('bytes', () => {
  it('are whole numbers from 0 to 255', () => {
    const pixels = tensor(Uint8Array.of(255, 2, 0, 1), { shape: [2, 2] });
    expect([pixels.dtype, pixels.toArray()]).toEqual([
      'int32',
      [
        [255, 2],
        [0, 1],
      ],
    ]);
    expect(ops.countNonZero(tensor(Uint8Array.of(255, 2, 0))).item()).toBe(2);
    expect(pixels.cast('float32').div(255).at(0, 0).item()).toBe(1);
  });
  it('of every kind of short array become int32', () => {
    const kinds = [
      [Buffer.from([7, 200]), [7, 200]],
      [Uint8ClampedArray.of(300, 5), [255, 5]],
      [Int8Array.of(-128, 127), [-128, 127]],
      [Int16Array.of(-32768, 3), [-32768, 3]],
      [Uint16Array.of(65535, 0), [65535, 0]],
    ] as const;
    for (const [data, values] of kinds) {
      const x = tensor(data);
      expect([x.dtype, x.toArray()]).toEqual(['int32', values]);
      expect(tensor(data, { dtype: 'float32' }).dtype).toBe('float32');
    }
    expect(() => tensor(Int8Array.of(-1), { dtype: 'uint32' })).toThrow('tensor: -1 is not a uint32 value');
  });
  it('are conditions with dtype bool, if they are 0 and 1', () => {
    const bytes = Uint8Array.of(1, 0);
    const condition = tensor(bytes, { dtype: 'bool' });
    expect([condition.dtype, condition.toArray()]).toEqual(['bool', [1, 0]]);
    expect(condition.data.buffer).toBe(bytes.buffer);
    expect(() => tensor(Uint8Array.of(1, 2), { dtype: 'bool' })).toThrow('tensor: 2 is not a bool value');
    expect(tensor(Uint8ClampedArray.of(1, 0), { dtype: 'bool' }).dtype).toBe('bool');
  });
  it('are whole numbers also as arguments of transformations', () => {
    const total = (x: Tensor): Tensor => x.sum();
    expect(
      ops
        .jit(total)(Uint8Array.of(255, 2) as never)
        .toArray(),
    ).toBe(257);
  });
  it('of 64-bit numbers are refused with a remedy', () => {
    expect(() => tensor(BigInt64Array.of(1n) as never)).toThrow('Array.from(array, Number)');
  });
});

describe('shapes of new tensors', () => {
  it.each([[[1.5, 2]], [[3, -1]], [[Number.NaN]]])('refuses the lengths %j, which no array has', (shape) => {
    expect(() => tensor([1, 2, 3], { shape })).toThrow(/lengths are whole numbers ≥ 0/);
    expect(() => tensor(new Float32Array(3), { shape })).toThrow(/lengths are whole numbers ≥ 0/);
  });

  it('refuses another shape for a tensor, instead of ignoring the option', () => {
    const x = tensor([1, 2, 3, 4]);
    expect(tensor(x, { shape: [4] })).toBe(x);
    expect(() => tensor(x, { shape: [2, 2] })).toThrow(
      'tensor: the given tensor has shape [4], not [2, 2]; use x.reshape([2, 2])',
    );
  });
});
