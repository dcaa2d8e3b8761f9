/** Errors about shapes name the op, the given shapes and the remedy. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import {
  add,
  argmax,
  broadcastTo,
  concatenate,
  conv1d,
  conv2d,
  cross,
  einsum,
  expandDims,
  flip,
  gather,
  grad,
  jacobian,
  jit,
  jvp,
  matmul,
  max,
  maxPool,
  mean,
  mul,
  oneHot,
  reshape,
  roll,
  slice,
  split,
  squeeze,
  stack,
  sum,
  swapAxes,
  type Tensor,
  take,
  tensor,
  topK,
  transpose,
  tril,
  vjp,
  vmap,
  where,
} from '../index.ts';

const of = (...shape: number[]): Tensor =>
  tensor(new Float64Array(shape.reduce((size, length) => size * length, 1)), { shape });
const identity = (x: Tensor): Tensor => x;

/** The op, the mistake, and the parts of the message beside the op's name: the given shapes, and the remedy. */
const table: readonly (readonly [op: string, mistake: () => unknown, ...says: string[]])[] = [
  ['matmul', () => matmul(of(32, 784), of(10, 784)), '[32, 784] × [10, 784]', 'transpose the second?'],
  ['matmul', () => matmul(of(784, 32), of(784, 10)), '[784, 32] × [784, 10]', 'transpose the first?'],
  ['matmul', () => matmul(of(32, 784), of(512, 10)), '[32, 784] × [512, 10]', 'inner dimensions differ'],
  ['matmul', () => matmul(of(2), 3), 'a scalar is not a matrix', 'use mul'],
  [
    'einsum',
    () => einsum('ij,jk->ik', of(2, 3), of(4, 5)),
    '[2, 3], [4, 5]',
    "'j' is 3 long in one array and 4",
  ],
  ['add', () => add(of(2, 3), of(4)), '[2, 3] and [4]', 'lengths must be equal or 1'],
  ['mul', () => mul(of(2, 3), of(2)), '[2, 3] and [2]', 'axis -1 is 3 in one and 2 in another'],
  ['where', () => where(of(2).greater(0), of(3), of(2)), '[2] and [3] and [2]', 'lengths must be equal or 1'],
  ['where', () => where(of(2), 1, 2), 'float64, not bool', 'x.greater(0)'],
  ['broadcastTo', () => broadcastTo(of(2, 3), [2]), '[2, 3] and [2]', 'lengths must be equal or 1'],
  ['broadcastTo', () => broadcastTo(of(2, 3), [3]), '[2, 3]', '[3]'],
  ['reshape', () => reshape(of(2, 3), [4]), '[2, 3] has 6 elements, [4] has 4', 'the numbers must be equal'],
  ['reshape', () => reshape(of(2, 3), [-1, 4]), '[2, 3] does not fit [-1, 4]', 'whose product is 6'],
  ['transpose', () => transpose(of(2, 3), [0, 0]), 'axes of [2, 3]', 'name each axis once'],
  ['transpose', () => transpose(of(2, 3), [0, 2]), 'axis 2 does not exist', 'use -2 … 1'],
  ['sum', () => sum(of(2, 3), 2), 'axis 2 does not exist in an array of rank 2', 'use -2 … 1'],
  ['mean', () => mean(of(2, 3), -3), 'axis -3 does not exist', 'use -2 … 1'],
  ['max', () => max(of(0)), '[0] is empty', 'guard against empty arrays'],
  ['argmax', () => argmax(of(2), 1), 'axis 1 does not exist', 'use -1 … 0'],
  ['slice', () => slice(of(2, 3), [0, 4]), 'outside axis 1 of [2, 3]', 'lie in 0 … 3'],
  ['slice', () => slice(of(2), [0, 0]), 'axes of [2]', 'at most one position for each axis'],
  ['concatenate', () => concatenate([of(2, 3), of(2, 2)]), '[2, 3], [2, 2]', 'only that one may differ'],
  ['concatenate', () => concatenate([]), 'at least one array'],
  ['stack', () => stack([of(2), of(3)]), 'arrays of equal shapes'],
  ['split', () => split(of(5), 2), '[5]', 'use arraySplit'],
  ['flip', () => flip(of(2), [1]), 'axis 1 does not exist', 'use -1 … 0'],
  ['roll', () => roll(of(2), 1, 3), 'axis 3 does not exist', 'use -1 … 0'],
  ['squeeze', () => squeeze(of(2, 1), 0), '[2, 1] has length 2, not 1', 'reduce it'],
  ['expandDims', () => expandDims(of(2), 3), 'axis 3 does not exist', 'use -2 … 1'],
  ['swapAxes', () => swapAxes(of(2, 3), 0, 2), 'axis 2 does not exist', 'use -2 … 1'],
  ['tril', () => tril(of(3)), 'matrices [.., n, m], not [3]'],
  ['cross', () => cross(of(2), of(4)), '[2] must have length 3'],
  ['topK', () => topK(of(3), 4), '[3]', 'up to that, not 4'],
  ['gather', () => gather(of(3, 2), of(2)), 'int32, not float64', ".cast('int32')"],
  ['take', () => take(of(3), of(2)), 'int32, not float64', ".cast('int32')"],
  ['oneHot', () => oneHot(of(3), 2), 'int32, not float64', ".cast('int32')"],
  ['conv2d', () => conv2d(of(28, 28, 1), of(3, 3, 1, 8)), '[28, 28, 1] and [3, 3, 1, 8]', '[B, H, W, C]'],
  ['conv2d', () => conv2d(of(1, 8, 8, 3), of(3, 3, 1, 8)), '[1, 8, 8, 3] and [3, 3, 1, 8]', 'same C'],
  [
    'conv2d',
    () => conv2d(of(1, 2, 2, 1), of(3, 3, 1, 8), { padding: 'valid' }),
    '3×3',
    '2×2',
    'or a smaller kernel',
  ],
  ['conv1d', () => conv1d(of(1, 8, 3), of(3, 1, 8)), '[1, 8, 3] and [3, 1, 8]', '[B, L, C]'],
  ['maxPool', () => maxPool(of(8, 8), 2), '[8, 8]', '[B, H, W, C]'],
  ['maxPool', () => maxPool(of(1, 2, 2, 1), 3), '[1, 2, 2, 1]', 'make the window smaller or pad'],
  ['grad', () => grad(identity)(of(2)), 'not [2]', 'reduce it with sum() or mean()'],
  ['jacobian', () => jacobian(identity, 1)(of(2)), 'argument 1 does not exist'],
  ['vjp', () => vjp(identity, of(2))[1](of(3)), '[3] for a value of shape [2]', 'must be equal'],
  ['jvp', () => jvp(identity, [of(2)], [of(3)]), '[3] for an argument of shape [2]', 'must be equal'],
  [
    'vmap',
    () => vmap((x: Tensor, y: Tensor) => x.add(y))(of(2), of(3)),
    '[3], is 3',
    '2 examples',
    'inAxes: null',
  ],
  ['vmap', () => vmap(identity)(1), 'axis 0 of argument 0, [], is missing', 'inAxes: null'],
];

describe('an error about shapes', () => {
  it.each(table.map(([op, mistake, ...says], i) => [i, op, mistake, says] as const))(
    '%i: of %s names the op, the given shapes and the remedy',
    (_i, op, mistake, says) => {
      const error = thrown(mistake);
      expect(error).toBeInstanceOf(LockstepError);
      const { message } = error as LockstepError;
      expect(message.startsWith(`${op}: `) || message.startsWith(`${op} '`)).toBe(true);
      for (const part of says) expect(message).toContain(part);
    },
  );
  it.each([
    ['jit', () => jit((x: Tensor) => (x.item() > 0 ? x : x.neg()))(1), /cond\(\).*whileLoop\(\)/],
    ['vmap', () => vmap((x: Tensor) => (x.item() > 0 ? x : x.neg()))(of(2)), /where\(\) or cond\(\)/],
  ])('a branch on a value inside %s names the ops for branches', (_what, mistake, says) => {
    expect(mistake).toThrow(says);
  });
  it('is the same inside grad, vmap and jit, with the shapes that the function sees', () => {
    const wrong = (x: Tensor): Tensor => x.matmul(of(3, 2)).sum();
    const messages = [
      thrown(() => wrong(of(4, 2))),
      thrown(() => grad(wrong)(of(4, 2))),
      thrown(() => vmap(wrong)(of(5, 4, 2))),
      thrown(() => jit(wrong)(of(4, 2))),
    ].map((error) => (error as LockstepError).message);
    expect(messages[0]).toContain('matmul: inner dimensions differ: [4, 2] × [3, 2]');
    expect(new Set(messages.filter((_, i) => i !== 2)).size).toBe(1);
    expect(messages[2]).toContain('matmul: inner dimensions differ');
  });
});

function thrown(mistake: () => unknown): unknown {
  try {
    mistake();
  } catch (error) {
    return error;
  }
  return undefined;
}
