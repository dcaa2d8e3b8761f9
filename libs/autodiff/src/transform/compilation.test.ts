/** The user's view of jit and vmap. The tests of the table compare their bits op by op. */
import { describe, expect, it } from 'vitest';
import { bitsOf, ordinary } from '../fixtures/values.ts';
import {
  cast,
  concatenate,
  grad,
  jit,
  jvp,
  logSoftmax,
  logSumExp,
  matmul,
  maximum,
  mean,
  mul,
  softmax,
  stack,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  where,
} from '../index.ts';

const float32 = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'float32' });

describe('jit', () => {
  it('traces once for each combination of types', () => {
    let numTraces = 0;
    const f = jit((x: Tensor, y: Tensor) => {
      numTraces++;
      return x.mul(y).sum();
    });
    expect(f(float32([1, 2]), float32([3, 4])).item()).toBe(11);
    expect(f(float32([5, 6]), float32([7, 8])).item()).toBe(83);
    expect(numTraces).toBe(1);
    expect(f(tensor([1, 2]), tensor([3, 4])).item()).toBe(11);
    expect(f(float32([1, 2, 3]), float32([1, 1, 1])).item()).toBe(6);
    expect(numTraces).toBe(3);
  });
  it('gives results that later calls do not change', () => {
    const f = jit((x: Tensor) => ({ twice: x.mul(2), same: x }));
    const first = f(float32([1, 2]));
    f(float32([10, 20]));
    expect([first.twice.toArray(), first.same.toArray()]).toEqual([
      [2, 4],
      [1, 2],
    ]);
  });
  it('never writes to its arguments', () => {
    const x = float32([1, -2]);
    jit((y: Tensor) => y.neg().exp().add(y))(x);
    expect(x.toArray()).toEqual([1, -2]);
  });
  it('takes and returns containers, constants and inputs unchanged', () => {
    const f = jit(
      ({ a, b }: { a: Tensor; b: readonly Tensor[] }) => [b[0]!, { one: tensor(1) }, a, a] as const,
    );
    const [b, { one }, a, again] = f({ a: tensor([1]), b: [tensor([2, 3])] });
    expect([b, one, a, again].map((x) => x.toArray())).toEqual([[2, 3], 1, [1], [1]]);
  });
  it('composes with the other transformations, in either order', () => {
    const f = (x: Tensor): Tensor => x.sin().mul(x).sum();
    const x = ordinary([4])(1);
    const expected = bitsOf(grad(f)(x));
    expect(bitsOf(jit(grad(f))(x))).toBe(expected);
    expect(bitsOf(grad(jit(f))(x))).toBe(expected);
    expect(bitsOf(jit(jit(grad(jit(f))))(x))).toBe(expected);
    const batch = ordinary([3, 4])(2);
    expect(bitsOf(jit(vmap(grad(f)))(batch))).toBe(bitsOf(vmap(grad(jit(f)))(batch)));
    expect(bitsOf(jit(grad((y: Tensor) => grad(f)(y).sum()))(x))).toBe(
      bitsOf(grad((y: Tensor) => grad(f)(y).sum())(x)),
    );
    expect(bitsOf(jit((y: Tensor) => jvp(f, [y], [y])[1])(x))).toBe(bitsOf(jvp(f, [x], [x])[1]));
  });
  it.each<[string, (x: Tensor) => Tensor]>([
    ['a branch', (x) => (x.item() > 0 ? x : x.neg())],
    ['a comparison', (x) => (x > tensor(0) ? x : x.neg())],
    [
      'a loop',
      (x) => {
        let y = x;
        while (y.item() < 10) y = y.mul(2);
        return y;
      },
    ],
    ['reading the elements', (x) => tensor(x.data).sum()],
    ['toArray', (x) => tensor(x.toArray() as number)],
  ])('refuses %s on a traced value and names the remedy', (_what, f) => {
    expect(() => jit(f)(3)).toThrow(
      /float64\[\] inside a traced program has no value yet.*where\(condition, a, b\)/,
    );
    expect(() => grad(jit(f))(3)).not.toThrow();
    expect(() => jit(grad(f))(3)).toThrow(/inside a traced program/);
    expect(() => vmap(f)(tensor([1, 2]))).toThrow(/inside vmap has no elements.*branch with where\(\)/);
  });
  it('chooses with where', () => {
    const f = (x: Tensor): Tensor => where(x.greater(0), x, x.mul(-2));
    expect(vmap(jit(f))(tensor([3, -3])).toArray()).toEqual([3, 6]);
    expect(jit(grad((x: Tensor) => f(x).sum()))(tensor([3, -3])).toArray()).toEqual([1, -2]);
  });
  it('refuses a traced value that was kept', () => {
    let kept: Tensor | undefined;
    jit((x: Tensor) => {
      kept = x;
      return x;
    })(1);
    expect(() => kept!.add(1)).toThrow(/left over from a transformation/);
  });
});

describe('vmap', () => {
  it('maps the axes in inAxes and shares the other arguments', () => {
    const a = ordinary([2, 3])(1);
    const b = ordinary([3, 2])(2);
    const dot = (x: Tensor, y: Tensor): Tensor => mul(x, y).sum();
    expect(vmap(dot, { inAxes: [0, 1] })(a, b).shape).toEqual([2]);
    expect(vmap(dot, { inAxes: [1, -2] })(a, b).shape).toEqual([3]);
    expect(vmap(dot, { inAxes: [0, null] })(a, b.at(0, 0)).shape).toEqual([2]);
    expect(vmap(vmap(dot, { inAxes: [null, 1] }), { inAxes: [0, null] })(a, b).shape).toEqual([2, 2]);
  });
  it('is a matrix product when dot products are mapped twice', () => {
    const a = ordinary([2, 3])(1);
    const b = ordinary([3, 4])(2);
    const dot = (x: Tensor, y: Tensor): Tensor => x.matmul(y);
    const product = vmap(vmap(dot, { inAxes: [null, 1] }), { inAxes: [0, null] })(a, b);
    expect(bitsOf(product)).toBe(bitsOf(matmul(a, b)));
  });
  it('repeats a result that does not depend on the batch', () => {
    expect(vmap((x: Tensor) => ({ x, one: tensor(1) }))(tensor([5, 6])).one.toArray()).toEqual([1, 1]);
  });
  it('maps gradients example by example', () => {
    const w = ordinary([3])(3);
    const loss = (v: Tensor, x: Tensor): Tensor => x.matmul(v).tanh();
    const rows = ordinary([4, 3])(4);
    const each = vmap(grad(loss), { inAxes: [null, 0] })(w, rows);
    for (const i of [0, 1, 2, 3]) expect(bitsOf(each.at(i))).toBe(bitsOf(grad(loss)(w, rows.at(i))));
  });
  it('maps a gradient by a shared argument to the sum over examples', () => {
    const w = ordinary([3])(3);
    const rows = ordinary([4, 3])(4);
    const total = grad((v: Tensor) => vmap((x: Tensor) => x.matmul(v).tanh())(rows).sum())(w);
    const each = vmap(
      grad((v: Tensor, x: Tensor) => x.matmul(v).tanh()),
      { inAxes: [null, 0] },
    )(w, rows);
    for (const [i, value] of total.data.entries()) expect(value).toBeCloseTo(each.sum(0).data[i]!, 13);
  });
  it.each<[string, () => unknown, RegExp]>([
    [
      'axes of different lengths',
      () => vmap(mul)(tensor([1, 2]), tensor([1, 2, 3])),
      /vmap: axis 0 of argument 1, \[3\], is 3, but the batch has 2 examples/,
    ],
    [
      'a missing axis',
      () => vmap((x: Tensor) => x)(tensor(1)),
      /vmap: axis 0 of argument 0, \[\], is missing/,
    ],
    [
      'no batched argument',
      () => vmap((x: Tensor) => x, { inAxes: null })(tensor([1])),
      /vmap: no argument has a batch axis/,
    ],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('element types', () => {
  it('makes float64 of JavaScript numbers and arrays', () => {
    expect([tensor(1).dtype, tensor([[1], [2]]).dtype, mul(2, 3).dtype]).toEqual([
      'float64',
      'float64',
      'float64',
    ]);
    expect(grad((x: Tensor) => x.square())(3).dtype).toBe('float64');
  });
  it('keeps float32 with numbers and arrays on either side', () => {
    const x = float32([1, 2]);
    expect(
      [x.add(1), mul(2, x), x.div([1, 2]), maximum(0.5, x), x.matmul([1, 1])].map((y) => y.dtype),
    ).toEqual(Array(5).fill('float32'));
    expect(stack([1, float32([2]).at(0)]).dtype).toBe('float32');
    expect([softmax(x), logSoftmax(x), logSumExp(x), mean(x)].map((y) => y.dtype)).toEqual(
      Array(4).fill('float32'),
    );
    const [value, gradient] = valueAndGrad((y: Tensor) => y.mul(3).exp().sigmoid().sub(1).tanh().sum())(x);
    expect([value.dtype, gradient.dtype]).toEqual(['float32', 'float32']);
  });
  it('refuses to mix float32 and float64', () => {
    const [narrow, wide] = [float32([1]), tensor([1])];
    expect(() => narrow.add(wide)).toThrow(
      "add: element types differ: float32 and float64; convert one with .cast('float32')",
    );
    expect(() => matmul(wide, narrow)).toThrow(/matmul: element types differ: float64 and float32/);
    expect(() => where(narrow.greater(0), narrow, wide)).toThrow(/where: element types differ/);
    expect(() => concatenate([narrow, wide])).toThrow(/concatenate: element types differ/);
    expect(() => stack([narrow, wide])).toThrow(/stack: element types differ/);
    expect(narrow.add(cast(wide, 'float32')).item()).toBe(2);
  });
  it('gives each argument a gradient of its own type', () => {
    const [a, b] = grad((x: Tensor, y: Tensor) => x.cast('float64').mul(y).sum(), [0, 1])(
      float32([2]),
      tensor([3]),
    );
    expect([a.dtype, b.dtype, a.item(), b.item()]).toEqual(['float32', 'float64', 3, 2]);
  });
  it('refuses integers for functions of reals', () => {
    expect(() => tensor([1], { dtype: 'int32' }).exp()).toThrow(/exp: takes float32 or float64, not int32/);
    expect(() => where(tensor([1]), 1, 2)).toThrow(/where: the condition is float64, not bool/);
  });
});

describe('shape rules say what was given, what was expected and what to do', () => {
  const zeros = (shape: readonly number[]): Tensor =>
    tensor(new Float64Array(shape.reduce((a, b) => a * b, 1)), { shape });
  it.each<[string, () => unknown, RegExp]>([
    [
      'add',
      () => zeros([2, 3]).add(zeros([2])),
      /add: shapes \[2, 3\] and \[2\] do not broadcast: axis -1 is 3 in one and 2 in another; lengths must be equal or 1/,
    ],
    [
      'matmul',
      () => zeros([32, 784]).matmul(zeros([512, 10])),
      /matmul: inner dimensions differ: \[32, 784\] × \[512, 10\]/,
    ],
    [
      'matmul, transposed',
      () => zeros([2, 3]).matmul(zeros([4, 3])),
      /matmul: inner dimensions differ: \[2, 3\] × \[4, 3\]; transpose the second\?/,
    ],
    [
      'matmul, batches',
      () => zeros([2, 2, 2]).matmul(zeros([3, 2, 2])),
      /matmul: the axes before the last two of \[2, 2, 2\] × \[3, 2, 2\] do not broadcast/,
    ],
    ['matmul, scalar', () => matmul(2, zeros([2])), /matmul: a scalar is not a matrix; use mul/],
    ['reshape', () => zeros([2, 3]).reshape([4, -1]), /reshape: \[2, 3\] does not fit \[4, -1\]/],
    ['transpose', () => zeros([2, 3]).transpose([0, 0]), /transpose: \[0, 0\] is not an order of the 2 axes/],
    ['sum', () => sum(zeros([2]), 1), /sum: axis 1 does not exist in an array of rank 1; use -1 … 0/],
    ['max', () => zeros([2, 0]).max(1), /max: axis 1 of \[2, 0\] is empty/],
    ['broadcastTo', () => zeros([2]).broadcastTo([1]), /broadcastTo: \[2\] does not stretch to \[1\]/],
    ['slice', () => zeros([3]).slice([0], [4]), /slice: 0:4:1 is outside axis 0 of \[3\]/],
    [
      'slice, between places',
      () => zeros([3]).slice([0.5]),
      /slice: 0\.5:3:1 is outside axis 0 of \[3\]; positions are whole/,
    ],
    ['slice, far before', () => zeros([3]).slice([0], [-4]), /slice: 0:-1:1 is outside axis 0/],
    ['slice, without a step', () => zeros([3]).slice([0], [3], [0]), /slice: 0:3:0 is outside axis 0/],
    ['at', () => zeros([3]).at(3), /at: index 3 does not exist along axis 0 of \[3\]/],
    ['item', () => zeros([2]).item(), /item: a tensor of shape \[2\] has 2 elements, not one/],
    [
      'tensor',
      () => tensor([[1, 2], [3]]),
      /nested arrays are ragged: one element has shape \[2\] and another \[1\]/,
    ],
    [
      'concatenate',
      () => concatenate([zeros([2, 1]), zeros([3, 1])], 1),
      /concatenate: \[2, 1\], \[3, 1\] differ in an axis other than 1/,
    ],
  ])('%s', (_op, call, message) => {
    expect(call).toThrow(message);
  });
});
