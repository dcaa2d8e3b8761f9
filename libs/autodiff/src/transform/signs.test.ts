/** Zeros keep their signs in derivatives: values that do not move add nothing, eager and compiled. */
import { expect, it } from 'vitest';
import {
  concatenate,
  cond,
  forLoop,
  grad,
  jit,
  jvp,
  mapOver,
  scan,
  stack,
  type Tensor,
  tensor,
  vmap,
  where,
  whileLoop,
} from '../index.ts';

type F = (x: Tensor) => Tensor;

const xs = tensor([0, -0, 1, -1]);
const ones = tensor([1, 1, 1, 1]);
const gradient = (f: F): F => grad((x: Tensor) => f(x).sum());
const moved =
  (f: F): F =>
  (x) =>
    jvp(f, [x], [ones])[1];

/** Expected by hand: a tangent 1 times the factors on its path, with nothing else added. */
it.each<[string, F, readonly number[] | number, readonly number[]]>([
  ['mapOver', (x) => mapOver((y: Tensor) => y.mul(-0), x), [-0, -0, -0, -0], [-0, -0, -0, -0]],
  ['mapOver of a step', (x) => mapOver((y: Tensor) => y.relu().neg(), x), [-0, -0, -1, -0], [0, 0, -1, 0]],
  ['stack', (x) => stack([x.at(1).mul(-0), x.at(2)]), [-0, 1], [0, 0, 1, 0]],
  ['concatenate', (x) => concatenate([x.mul(-0), x]), [-0, -0, -0, -0, 1, 1, 1, 1], [1, 1, 1, 1]],
  ['where', (x) => where(x.greater(0), x.mul(-0), x), [1, 1, -0, 1], [1, 1, 0, 1]],
  [
    'a state that begins to move',
    (x) => scan((s: Tensor, y: Tensor) => [s.neg().add(y.mul(-0)), null], tensor(2), x)[0],
    0,
    [0, -0, 0, -0],
  ],
  [
    'results of which some are wanted',
    (x) => scan((s: Tensor, y: Tensor) => [s.add(x.at(0).mul(-0)), y], tensor(0), x)[0],
    -0,
    [-0, 0, 0, 0],
  ],
  [
    'a value from outside',
    (x) => mapOver((y: Tensor) => y.stopGradient().add(x.at(1).mul(-0)), x),
    [-0, -0, -0, -0],
    [0, -0, 0, 0],
  ],
  ['forLoop', (x) => forLoop(0, 3, (_i, s) => s.mul(-0), x), [-0, -0, -0, -0], [-0, -0, -0, -0]],
  [
    'cond',
    (x) =>
      cond(
        x.at(2).greater(0),
        (y) => y.mul(-0),
        (y) => y,
        x,
      ),
    [-0, -0, -0, -0],
    [-0, -0, -0, -0],
  ],
  [
    'cond in a batch',
    (x) =>
      vmap((z: Tensor) =>
        cond(
          z.greater(0),
          (y) => y.mul(-0),
          (y) => y.neg(),
          z,
        ),
      )(x),
    [-1, -1, -0, -1],
    [-1, -1, -0, -1],
  ],
])('in %s', (_what, f, tangent, cotangent) => {
  for (const wrap of [(g: F) => g, (g: F) => jit(g) as F]) {
    expect(wrap(moved(f))(xs).toArray()).toEqual(tangent);
    expect(wrap(gradient(f))(xs).toArray()).toEqual(cotangent);
  }
});

it('in whileLoop, whose state may begin to move', () => {
  const f: F = (x) =>
    whileLoop(
      ({ i }) => i.less(3),
      ({ i, s }) => ({ i: i.add(1), s: s.add(x.mul(-0)) }),
      { i: tensor(0, { dtype: 'int32' }), s: tensor([0, 0, 0, 0]) },
    ).s;
  for (const g of [moved(f), jit(moved(f)), gradient(f)]) expect(g(xs).toArray()).toEqual([-0, -0, -0, -0]);
});
